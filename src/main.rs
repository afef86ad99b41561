//! The binary: everything is in the library, so that tests reach it.

use std::process::ExitCode;

use postern::serve::Postern;

fn main() -> ExitCode {
    postern::runtime::log_panics();
    postern::cli::run(std::env::args_os(), &Postern)
}
