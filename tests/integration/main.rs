//! All integration tests.

mod policy_file;
mod rig;
mod rig_works;
