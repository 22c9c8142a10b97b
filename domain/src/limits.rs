//! l
/// l
#[derive(Clone, Debug, Default)]
pub struct Limits {}
