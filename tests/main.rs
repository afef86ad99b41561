//! The system's tests: one program, so that it is linked once.

mod cli;
mod clients;
mod crash;
mod disk_full;
mod readme;
mod rig;
mod secrets;
