//! Patches: what is given of a field is checked, and what stands against it is gathered, so that all of it is told at
//! once.

use async_graphql::MaybeUndefined;
use domain::Refusal;

/// What a field is replaced by, if it is: null stands for nothing.
pub fn replacement<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// What was checked, if nothing stands against it.
pub fn kept<T>(refusals: &mut Vec<Refusal>, checked: Result<T, Refusal>) -> Option<T> {
    checked.map_err(|refusal| refusals.push(refusal)).ok()
}

/// The same where more than one thing may stand against it.
pub fn kept_all<T>(refusals: &mut Vec<Refusal>, checked: Result<T, Vec<Refusal>>) -> Option<T> {
    checked.map_err(|more| refusals.extend(more)).ok()
}

/// Puts what is given of the field at `path` in the place of `present`, if it passes `check`. There must be something:
/// null is refused.
pub fn replace<Given, T>(
    refusals: &mut Vec<Refusal>,
    path: &str,
    present: &mut T,
    given: MaybeUndefined<Given>,
    check: impl FnOnce(Given) -> Result<T, Refusal>,
) {
    let checked = match replacement(given) {
        None => return,
        Some(None) => Err(Refusal::cannot_be_null(path)),
        Some(Some(given)) => check(given),
    };
    if let Some(checked) = kept(refusals, checked) {
        *present = checked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_left_replaced_or_refused() {
        let positive = |number: i32| {
            if number > 0 {
                Ok(number)
            } else {
                Err(Refusal::cannot_be_null("number"))
            }
        };
        for (given, present, refused) in [
            (MaybeUndefined::Undefined, 1, 0),
            (MaybeUndefined::Null, 1, 1),
            (MaybeUndefined::Value(2), 2, 0),
            (MaybeUndefined::Value(-2), 1, 1),
        ] {
            let (mut refusals, mut field) = (Vec::new(), 1);
            replace(&mut refusals, "number", &mut field, given, positive);
            assert_eq!((field, refusals.len()), (present, refused));
        }
    }
}
