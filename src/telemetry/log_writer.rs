//! Log lines on their way out, without anybody waiting for them.
//!
//! Standard error is a pipe that the container runtime reads. When it stops reading, a write blocks for as long as it
//! likes; so one thread writes, the rest of the program only ever appends to a bounded queue, and what finds it full is
//! dropped and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait. Most are shorter than half a kilobyte.
const WAITING: usize = 1024;
/// Lines are gathered for so long before they are written together: waking a thread and writing costs more than a whole
/// review does, and a refused one has a line.
const GATHER: Duration = Duration::from_millis(5);
/// The size from which on gathered lines are written.
const ENOUGH: usize = 64 * 1024;
/// How long the end of the process waits for lines that nobody reads.
const PATIENCE: Duration = Duration::from_millis(250);

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines were dropped since the process began.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// A queue of lines and the thread that writes them.
#[derive(Clone, Debug)]
pub struct LogWriter {
    lines: SyncSender<Message>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Flush(Sender<()>),
}

impl LogWriter {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(out, &waiting))?;
        Ok(Self { lines })
    }

    /// Waits until the lines so far are written; not for long, since the reader may have gone to sleep, and not at all where
    /// the queue is full, of which nothing is known but that.
    pub fn flush(&self) {
        let (done, written) = channel();
        if self.lines.try_send(Message::Flush(done)).is_ok() {
            let _: Result<(), RecvTimeoutError> = written.recv_timeout(PATIENCE);
        }
    }
}

fn write_lines(mut out: impl Write, waiting: &Receiver<Message>) {
    let mut lines = Vec::new();
    while let Ok(first) = waiting.recv() {
        if matches!(first, Message::Line(_)) {
            thread::sleep(GATHER);
        }
        for message in [first].into_iter().chain(waiting.try_iter()) {
            match message {
                Message::Line(line) => {
                    lines.extend_from_slice(&line);
                    if lines.len() >= ENOUGH {
                        write(&mut out, &mut lines);
                    }
                }
                Message::Flush(done) => {
                    write(&mut out, &mut lines);
                    let _ = out.flush();
                    let _ = done.send(());
                }
            }
        }
        write(&mut out, &mut lines);
    }
}

fn write(out: &mut impl Write, lines: &mut Vec<u8>) {
    // A closed standard error leaves nobody to tell.
    let _ = out.write_all(lines);
    lines.clear();
}

/// One line: tracing hands over a whole event at once.
pub struct Line<'w>(&'w LogWriter);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.lines.try_send(Message::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = Line<'w>;

    fn make_writer(&'w self) -> Self::Writer {
        Line(self)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tracing_subscriber::fmt::MakeWriter as _;

    use super::{LogWriter, WAITING, dropped_lines};

    /// Tells that it was written to, then blocks until it is let go.
    struct Stuck {
        reached: Sender<()>,
        released: Receiver<()>,
    }

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.reached.send(()).unwrap();
            let _ = self.released.recv();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_whole_and_in_order_and_are_there_after_a_flush() {
        let (reader, out) = std::io::pipe().unwrap();
        let writer = LogWriter::start(out).unwrap();
        let lines: Vec<String> = (0..500).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            writer.make_writer().write_all(line.as_bytes()).unwrap();
        }
        writer.flush();
        // All of it is in the pipe by now.
        drop(writer);
        assert_eq!(std::io::read_to_string(reader).unwrap(), lines.concat());
    }

    #[test]
    fn a_reader_that_sleeps_costs_lines_and_never_time() {
        let (reached, written_to) = channel();
        let (release, released) = channel();
        let writer = LogWriter::start(Stuck { reached, released }).unwrap();
        let before = dropped_lines();
        writer.make_writer().write_all(b"the first one blocks\n").unwrap();
        written_to.recv().unwrap();
        for _ in 0..WAITING + 7 {
            writer.make_writer().write_all(b"line\n").unwrap();
        }
        assert_eq!(dropped_lines() - before, 7);
        drop(release);
    }
}
