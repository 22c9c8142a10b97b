//! What an operation may cost at most, told from its document and variables before anything of it runs.
//!
//! Every fragment is measured once, however often it is spread, so measuring takes no longer than reading the
//! document does. That matters: what comes after (validation) walks each spread anew, and ten lines of fragments that
//! spread each other twice would keep it busy for hours.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};

use super::{
    operation,
    query_input::{Input, InputSizes},
};

/// How many objects a connection gives unless asked for another number.
const ITEMS_BY_DEFAULT: usize = 20;
/// The most objects that a connection gives, and the most ids that `nodes` takes.
const ITEMS_AT_MOST: usize = 100;
/// What a root field of a mutation costs: a transaction, sometimes a password hash.
pub(super) const MUTATION_COST: usize = 50;
/// Texts of megabytes: an answer holds a few of them, not thousands.
const LARGE_TEXTS: [&str; 2] = ["specification", "body"];
/// What one of them costs.
const LARGE_TEXT_COST: usize = 1000;
/// Texts of up to 10,000 characters, and what audit events keep of them: they may be asked for by the thousand, but not
/// by the hundred thousand.
const LONG_TEXTS: [&str; 5] = ["description", "justification", "reason", "before", "after"];
/// What one of them costs.
const LONG_TEXT_COST: usize = 5;
/// How much input makes a use of a variable one dearer: values, or KiB of text. Everything that reads an argument gets
/// a copy of its own.
const INPUT_PER_COST: usize = 100;
/// How much dearer the fields below `__schema` and `__type` are: each stands for one per type of the schema.
pub(super) const INTROSPECTION_FACTOR: usize = 10;
/// How many lists of the introspection may nest; the standard introspection needs one. As graphql-js has it
/// (`MaxIntrospectionDepthRule`): each further one multiplies the answer by the size of the schema.
const INTROSPECTION_LISTS: usize = 2;
/// How deep fields, fragments and spreads may nest together.
const NESTING: usize = 32;
/// The most levels of fields that an operator may allow.
pub const DEEPEST: i64 = NESTING as i64;

/// The bounds of one request's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Tokens of the document, before it is parsed.
    pub tokens: usize,
    /// Levels of fields.
    pub depth: usize,
    /// The cost, as [`QueryCost::cost`] counts it.
    pub cost: usize,
    /// Aliased fields.
    pub aliases: usize,
    /// Directives.
    pub directives: usize,
    /// Values in all variables together, each item of a list and each member of an object counted.
    pub variable_values: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            tokens: 10_000,
            depth: 15,
            cost: 10_000,
            aliases: 50,
            directives: 50,
            variable_values: 10_000,
        }
    }
}

/// What an operation was found to cost, and to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryCost {
    /// One per field; what stands below a connection's `edges` or `nodes` times the number of objects asked for;
    /// a mutation's field 50; a specification or a document's body 1000; a description, a justification, a reason or
    /// what an audit event keeps 5; what stands in the introspection tenfold;
    /// each use of a variable one per 100 values or 100 KiB in it.
    pub cost: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Whether it asks for the schema: `__schema` or `__type`.
    pub introspects: bool,
}

/// What an operation costs, as `extensions.cost` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What it may cost, told before it runs.
    pub requested: usize,
    /// What it did cost; 0 when it did not run.
    pub actual: usize,
    /// The most that an operation may cost.
    pub limit: usize,
}

impl From<Cost> for async_graphql::Value {
    fn from(
        Cost {
            requested,
            actual,
            limit,
        }: Cost,
    ) -> Self {
        async_graphql::value!({ "requested": requested, "actual": actual, "limit": limit })
    }
}

/// An operation that is not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{refused}")]
pub struct OverLimits {
    /// Why.
    pub refused: QueryRefused,
    /// What it would have cost, where that is known.
    pub cost: Option<usize>,
}

impl From<QueryRefused> for OverLimits {
    fn from(refused: QueryRefused) -> Self {
        Self { refused, cost: None }
    }
}

/// Why an operation is not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryRefused {
    /// Its fields nest too deeply.
    #[error("The query nests fields {depth} deep; at most {limit} are allowed.")]
    Depth {
        /// The levels found.
        depth: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// It would cost too much.
    #[error(
        "The query costs {cost}; at most {limit} is allowed. Ask for fewer fields, or for fewer objects at a time with `first`."
    )]
    Cost {
        /// The cost found.
        cost: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// It has too many aliases.
    #[error("The query has {count} aliases; at most {limit} are allowed.")]
    Aliases {
        /// The aliases found.
        count: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// It has too many directives.
    #[error("The query has {count} directives; at most {limit} are allowed.")]
    Directives {
        /// The directives found.
        count: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// Its variables hold too much.
    #[error("The variables hold {count} values; at most {limit} are allowed.")]
    VariableValues {
        /// The values found.
        count: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// Its fragments and fields nest too deeply together.
    #[error("The query nests fields and fragments more than {NESTING} deep.")]
    Nesting,
    /// It asks the introspection for lists of lists of lists.
    #[error("The query nests the introspection's lists too deeply.")]
    Introspection,
    /// A fragment spreads itself (GraphQL, section 5.5.2.2).
    #[error("The fragment `{0}` spreads itself.")]
    FragmentCycle(String),
}

/// Measures the operation and refuses what passes a bound.
///
/// The document's other operations are held to the bounds too, except for the cost of their lists: they are not
/// executed, but validated.
///
/// # Errors
/// [`OverLimits`] names the first bound that is passed.
pub fn check(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    limits: &QueryLimits,
) -> Result<Option<QueryCost>, OverLimits> {
    let sent = InputSizes::of(variables);
    refuse_over(sent.values(), limits.variable_values, |count, limit| {
        QueryRefused::VariableValues { count, limit }
    })?;
    // Which operation it is may be unclear; then nothing runs, and saying so is the caller's part.
    let selected = operation::select(document, operation_name).ok();
    let mut weights = Vec::new();
    let mut measured = None;
    for (_, operation) in document.operations.iter() {
        let weight = Measuring::new(document, &operation.node, &sent).operation()?;
        weights.push(weight);
        if let Some(selected) = selected.filter(|selected| std::ptr::eq(*selected, &raw const operation.node)) {
            let mut cost = weight.cost_of(1);
            if selected.ty == OperationType::Mutation {
                cost = cost.saturating_add(weight.width.saturating_mul(MUTATION_COST - 1));
            }
            measured = Some(QueryCost {
                cost,
                depth: weight.depth,
                introspects: weight.introspects,
            });
        }
    }
    hold(&weights, measured, limits).map_err(|refused| OverLimits {
        refused,
        cost: measured.map(|measured| measured.cost),
    })?;
    Ok(measured)
}

fn hold(weights: &[Weight], measured: Option<QueryCost>, limits: &QueryLimits) -> Result<(), QueryRefused> {
    let mut visited_fields = 0_usize;
    for weight in weights {
        visited_fields = visited_fields.saturating_add(weight.fields);
        refuse_over(weight.depth, limits.depth, |depth, limit| QueryRefused::Depth {
            depth,
            limit,
        })?;
        refuse_over(weight.aliases, limits.aliases, |count, limit| QueryRefused::Aliases {
            count,
            limit,
        })?;
        refuse_over(weight.directives, limits.directives, |count, limit| {
            QueryRefused::Directives { count, limit }
        })?;
        refuse_over(visited_fields, limits.cost, |cost, limit| QueryRefused::Cost {
            cost,
            limit,
        })?;
    }
    let cost = measured.map_or(0, |measured| measured.cost);
    refuse_over(cost, limits.cost, |cost, limit| QueryRefused::Cost { cost, limit })
}

fn refuse_over(
    found: usize,
    limit: usize,
    refused: impl FnOnce(usize, usize) -> QueryRefused,
) -> Result<(), QueryRefused> {
    if found > limit {
        Err(refused(found, limit))
    } else {
        Ok(())
    }
}

/// What a field of this name costs, without what stands below it.
pub(super) fn cost_of_field(name: &str) -> usize {
    if LARGE_TEXTS.contains(&name) {
        LARGE_TEXT_COST
    } else if LONG_TEXTS.contains(&name) {
        LONG_TEXT_COST
    } else {
        1
    }
}

/// What a field's arguments cost.
pub(super) fn cost_of_input(inputs: &InputSizes<'_>, field: &Field) -> usize {
    field.arguments.iter().fold(0, |cost: usize, (_, argument)| {
        cost.saturating_add(inputs.size_of(&argument.node) / INPUT_PER_COST)
    })
}

/// Whether the field gives the objects of a connection.
pub(super) fn is_item(name: &str) -> bool {
    matches!(name, "edges" | "nodes")
}

/// What a selection set weighs. The field that holds it decides how many objects it is resolved for, so that part of
/// the cost is kept apart and a fragment can be measured without knowing where it is spread.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// The cost whatever the number of objects.
    once: usize,
    /// The cost per object of the connection that is selected from.
    per_item: usize,
    /// Fields of this level.
    width: usize,
    /// Fields of all levels, each fragment counted as often as it is spread.
    fields: usize,
    depth: usize,
    nesting: usize,
    aliases: usize,
    directives: usize,
    introspection_lists: usize,
    introspects: bool,
}

impl Weight {
    fn cost_of(&self, items: usize) -> usize {
        self.once.saturating_add(self.per_item.saturating_mul(items))
    }

    fn add(&mut self, other: Self) {
        self.once = self.once.saturating_add(other.once);
        self.per_item = self.per_item.saturating_add(other.per_item);
        self.width = self.width.saturating_add(other.width);
        self.fields = self.fields.saturating_add(other.fields);
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
        self.introspects |= other.introspects;
    }
}

struct Measuring<'document> {
    document: &'document ExecutableDocument,
    operation: &'document OperationDefinition,
    inputs: InputSizes<'document>,
    fragments: HashMap<&'document str, Weight>,
    open: HashSet<&'document str>,
}

impl<'document> Measuring<'document> {
    fn new(
        document: &'document ExecutableDocument,
        operation: &'document OperationDefinition,
        sent: &InputSizes<'document>,
    ) -> Self {
        Self {
            document,
            operation,
            inputs: sent.with_defaults(operation),
            fragments: HashMap::new(),
            open: HashSet::new(),
        }
    }

    fn operation(mut self) -> Result<Weight, QueryRefused> {
        let operation = self.operation;
        let mut weight = self.selection_set(&operation.selection_set.node, 0)?;
        let on_variables: usize = operation
            .variable_definitions
            .iter()
            .map(|it| it.node.directives.len())
            .sum();
        weight.directives = weight
            .directives
            .saturating_add(operation.directives.len() + on_variables);
        Ok(weight)
    }

    /// Measures what stands `nesting` levels below the operation.
    fn selection_set(&mut self, set: &'document SelectionSet, nesting: usize) -> Result<Weight, QueryRefused> {
        let mut weight = Weight::default();
        for selection in &set.items {
            let mut part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, nesting)?,
                Selection::InlineFragment(inline) => self.nested(&inline.node.selection_set.node, nesting)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str(), nesting)?,
            };
            part.directives = part.directives.saturating_add(selection.node.directives().len());
            weight.add(part);
        }
        Ok(weight)
    }

    fn nested(&mut self, set: &'document SelectionSet, nesting: usize) -> Result<Weight, QueryRefused> {
        if nesting >= NESTING {
            return Err(QueryRefused::Nesting);
        }
        let mut weight = self.selection_set(set, nesting + 1)?;
        weight.nesting += 1;
        Ok(weight)
    }

    fn fragment(&mut self, name: &'document str, nesting: usize) -> Result<Weight, QueryRefused> {
        if self.open.contains(name) {
            return Err(QueryRefused::FragmentCycle(name.to_owned()));
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Weight::default());
        };
        let weight = if let Some(&weight) = self.fragments.get(name) {
            weight
        } else {
            self.open.insert(name);
            let mut weight = self.nested(&fragment.node.selection_set.node, nesting)?;
            self.open.remove(name);
            weight.directives = weight.directives.saturating_add(fragment.node.directives.len());
            self.fragments.insert(name, weight);
            weight
        };
        if nesting + weight.nesting > NESTING {
            return Err(QueryRefused::Nesting);
        }
        Ok(weight)
    }

    fn field(&mut self, field: &'document Field, nesting: usize) -> Result<Weight, QueryRefused> {
        let below = self.nested(&field.selection_set.node, nesting)?;
        let name = field.name.node.as_str();
        let mut cost = below.cost_of(self.items_of(field));
        if matches!(name, "__schema" | "__type") {
            if below.introspection_lists > INTROSPECTION_LISTS {
                return Err(QueryRefused::Introspection);
            }
            cost = cost.saturating_mul(INTROSPECTION_FACTOR);
        } else if name == "nodes"
            && let Some(Input::List(length)) = self.argument(field, "ids")
        {
            cost = cost.saturating_mul(length);
        }
        cost = cost
            .saturating_add(cost_of_field(name))
            .saturating_add(cost_of_input(&self.inputs, field));
        let is_item = is_item(name);
        let is_list = matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
        Ok(Weight {
            once: if is_item { 0 } else { cost },
            per_item: if is_item { cost } else { 0 },
            width: 1,
            fields: below.fields.saturating_add(1),
            depth: below.depth + 1,
            nesting: below.nesting,
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            directives: below.directives,
            introspection_lists: below.introspection_lists + usize::from(is_list),
            introspects: below.introspects || matches!(name, "__schema" | "__type"),
        })
    }

    /// How many objects the field gives if it is a connection.
    fn items_of(&self, field: &Field) -> usize {
        let asked = |argument: &str| match self.argument(field, argument)? {
            Input::Null => None,
            Input::Number(number) => Some(number),
            // What is out of range, or no number, is refused when the field is validated or resolved.
            Input::List(_) | Input::Other => Some(ITEMS_AT_MOST),
        };
        asked("first")
            .max(asked("last"))
            .map_or(ITEMS_BY_DEFAULT, |items| items.clamp(1, ITEMS_AT_MOST))
    }

    /// What the value of a field's argument is, its variable put in.
    fn argument(&self, field: &Field, name: &str) -> Option<Input> {
        self.inputs.read(&field.get_argument(name)?.node)
    }
}

#[cfg(test)]
#[path = "query_cost_tests.rs"]
mod tests;
