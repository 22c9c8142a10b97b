//! How much an operation's arguments hold, told without copying any of it.
//!
//! A variable may be as large as the body, and be used in every field. So each is measured once, and what stands for it
//! afterwards is a number.

use std::collections::HashMap;

use async_graphql::{Variables, parser::types::OperationDefinition};
use async_graphql_value::{ConstValue, Value};

/// What matters of an argument's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Null.
    Null,
    /// A whole number from 0.
    Number(usize),
    /// A list of so many items.
    List(usize),
    /// Anything else.
    Other,
}

/// A variable's value, measured.
#[derive(Clone, Copy, Debug)]
struct Measured {
    input: Input,
    values: usize,
    /// Values, and KiB of text.
    size: usize,
}

/// The values of an operation's variables, measured.
#[derive(Clone, Debug)]
pub(super) struct InputSizes<'request>(HashMap<&'request str, Measured>);

impl<'request> InputSizes<'request> {
    /// Measures what was sent.
    pub(super) fn of(variables: &'request Variables) -> Self {
        Self(
            variables
                .iter()
                .map(|(name, value)| (name.as_str(), Measured::of(value)))
                .collect(),
        )
    }

    /// How many values there are in all of them together; lists and objects count besides what is in them.
    pub(super) fn values(&self) -> usize {
        self.0.values().fold(0, |sum, it| sum.saturating_add(it.values))
    }

    /// The variables that the operation defines: with what was sent, else their defaults.
    pub(super) fn with_defaults<'operation>(
        &self,
        operation: &'operation OperationDefinition,
    ) -> InputSizes<'operation> {
        let measured = operation.variable_definitions.iter().filter_map(|definition| {
            let name = definition.node.name.node.as_str();
            let sent = self.0.get(name).copied();
            let default = || Some(Measured::of(&definition.node.default_value.as_ref()?.node));
            Some((name, sent.or_else(default)?))
        });
        InputSizes(measured.collect())
    }

    /// What an argument's value is. `None` for a variable without a value.
    pub(super) fn read(&self, value: &Value) -> Option<Input> {
        Some(match value {
            Value::Variable(name) => self.0.get(name.as_str())?.input,
            Value::Null => Input::Null,
            Value::Number(number) => Input::of_number(number),
            Value::List(items) => Input::List(items.len()),
            Value::String(_) | Value::Boolean(_) | Value::Binary(_) | Value::Enum(_) | Value::Object(_) => Input::Other,
        })
    }

    /// How much the variables in an argument's value hold: values, and KiB of text. What is written out in the
    /// document is bounded by its tokens.
    pub(super) fn size_of(&self, value: &Value) -> usize {
        let mut size = 0_usize;
        let mut left = vec![value];
        while let Some(value) = left.pop() {
            match value {
                Value::Variable(name) => {
                    let held = self.0.get(name.as_str()).map_or(0, |it| it.size);
                    size = size.saturating_add(held);
                }
                Value::List(items) => left.extend(items),
                Value::Object(members) => left.extend(members.values()),
                Value::Null
                | Value::Number(_)
                | Value::String(_)
                | Value::Boolean(_)
                | Value::Binary(_)
                | Value::Enum(_) => {}
            }
        }
        size
    }
}

impl Input {
    fn of_number(number: &async_graphql::Number) -> Self {
        let whole = number.as_u64().and_then(|number| usize::try_from(number).ok());
        whole.map_or(Self::Other, Self::Number)
    }
}

impl Measured {
    fn of(value: &ConstValue) -> Self {
        let input = match value {
            ConstValue::Null => Input::Null,
            ConstValue::Number(number) => Input::of_number(number),
            ConstValue::List(items) => Input::List(items.len()),
            ConstValue::String(_)
            | ConstValue::Boolean(_)
            | ConstValue::Binary(_)
            | ConstValue::Enum(_)
            | ConstValue::Object(_) => Input::Other,
        };
        let (mut values, mut bytes) = (0_usize, 0_usize);
        let mut left = vec![value];
        while let Some(value) = left.pop() {
            values += 1;
            match value {
                ConstValue::List(items) => left.extend(items),
                ConstValue::Object(members) => {
                    bytes += members.keys().map(|name| name.len()).sum::<usize>();
                    left.extend(members.values());
                }
                ConstValue::String(text) => bytes += text.len(),
                ConstValue::Binary(held) => bytes += held.len(),
                ConstValue::Null | ConstValue::Number(_) | ConstValue::Boolean(_) | ConstValue::Enum(_) => {}
            }
        }
        Self {
            input,
            values,
            size: values + bytes / 1024,
        }
    }
}
