//! The binary: everything is in the library, so that tests reach it.

use std::process::ExitCode;

use postern::cli::{House, run};
use postern::config::Config;
use postern_actors::admin::{AdminError, AdminRequest};

/// A build without a server: commands reach a running one, and the configuration can be looked at.
struct Empty;

impl House for Empty {
    fn serve(&self, _: Config) -> Result<(), String> {
        Err("this build has no server".to_owned())
    }

    fn demo(&self, _: Config) -> Result<(), String> {
        Err("this build has no server".to_owned())
    }

    fn offline(&self, _: &Config, _: AdminRequest) -> Result<serde_json::Value, AdminError> {
        Err(AdminError("no server runs, and this build has no store".to_owned()))
    }
}

fn main() -> ExitCode {
    run(std::env::args_os(), &Empty)
}
