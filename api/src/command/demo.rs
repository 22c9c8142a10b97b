//! `portico demo`.

use super::CommandError;
use crate::config::ServeOptions;

pub(super) async fn run(options: ServeOptions) -> Result<(), CommandError> {
    super::serve::run(&options).await
}
