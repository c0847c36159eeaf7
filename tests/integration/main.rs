//! All integration tests.

mod rig;
mod rig_works;
