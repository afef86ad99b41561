//! The system's tests: one program, so that it is linked once.

mod clients;
mod crash;
mod disk_full;
mod rig;
