//! What the server says of itself: log lines and metrics. Neither ever holds a body, a token or an environment value, and
//! no metric names a namespace, an object or a user.

mod log_writer;
mod logging;
mod metrics;

pub use log_writer::{LogWriter, dropped_lines};
pub use logging::{LogFormat, LogLevel, Logging};
pub use metrics::{Metrics, Outcome, Reloaded, Shed};
