//! x
/// x
#[derive(Debug)]
pub struct CheckReport;
use crate::shared::Shared;
pub(crate) fn check(_: &Shared) -> CheckReport {
    CheckReport
}
