//! Pages of lists.
use crate::{Refusal, RefusalCode};
/// Page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// s
    pub size: u32,
    /// b
    pub backward: bool,
    /// a
    pub after: Option<String>,
    /// b
    pub before: Option<String>,
}
impl Page {
    /// # Errors
    /// x
    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Self, Refusal> {
        let (_, _) = (first, last);
        Err(Refusal::new(RefusalCode::Invalid, format!("{after:?}{before:?}")))
    }
}
