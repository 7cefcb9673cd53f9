//! The talk of the program on stderr: warnings, sentences, and the live part below them.

use crate::secrets::MASK;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::LazyLock,
    time::Duration,
};
use tracing_subscriber::EnvFilter;

/// What takes longer is shown.
const QUICK: Duration = Duration::from_secs(1);

/// Everything that is written while the live part stands goes above it.
static SCREEN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Whether a stream takes colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Coloured,
}

impl Paint {
    /// Colour is for terminals, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn of(stream: &impl IsTerminal) -> Paint {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match stream.is_terminal() && !is_refused && !is_dumb() {
            true => Paint::Coloured,
            false => Paint::Plain,
        }
    }
}

/// How long a line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Endless,
    Cells(usize),
}

impl Width {
    /// A terminal has a width, anything else has none.
    pub(crate) fn of(stream: &impl AsFd) -> Width {
        let size = terminal_size::terminal_size_of(stream);
        size.map_or(Width::Endless, |(width, _)| Width::Cells(usize::from(width.0)))
    }

    pub(crate) fn has_room(self, cells: usize) -> bool {
        match self {
            Width::Endless => true,
            Width::Cells(width) => cells <= width,
        }
    }
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// Warnings of the engine, or what `GENNAKER_LOG` asks for.
pub(crate) fn to_stderr() {
    let filter = EnvFilter::try_from_env("GENNAKER_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Above)
        .with_ansi(Paint::of(&io::stderr()) == Paint::Coloured)
        .init();
}

/// Whoever reads what this program prints may have seen enough, as `head` does: that is no fault.
pub(crate) fn end_when_unread() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or_default();
        if words.starts_with("failed printing to stdout") && words.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// Says a line.
pub(crate) fn say(line: &str) {
    SCREEN.suspend(|| eprintln!("{line}"));
}

/// What others have written, in one line that steers no terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|it| if it.is_control() || is_steering(it) { '\u{fffd}' } else { it })
        .collect()
}

/// Whether a character turns the direction of the text around it.
fn is_steering(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether lines that were written can be written over.
pub(crate) fn is_live() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

/// Shows on a terminal what takes longer than a second, while it does.
pub(crate) async fn slowly<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = work.as_mut() => return done,
        () = tokio::time::sleep(QUICK) => {}
    }
    if !is_live() {
        return work.await;
    }
    let shown = SCREEN.add(ProgressBar::new_spinner().with_message(what.to_owned()));
    shown.enable_steady_tick(QUICK / 10);
    let done = work.await;
    shown.finish_and_clear();
    done
}

struct Above;

impl Write for Above {
    /// Takes a whole event of the log; secrets are masked in it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = MASK.text(&String::from_utf8_lossy(bytes));
        SCREEN.suspend(|| io::stderr().write_all(event.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Lines that are written over, at the bottom of the terminal.
#[derive(Default)]
pub(crate) struct Live {
    lines: Vec<ProgressBar>,
}

impl Live {
    pub(crate) fn draw(&mut self, frame: Vec<String>) {
        // Lines that are no longer needed leave no gap.
        for surplus in self.lines.drain(frame.len().min(self.lines.len())..) {
            SCREEN.remove(&surplus);
        }
        self.lines.resize_with(frame.len(), line);
        for (bar, text) in self.lines.iter().zip(frame) {
            bar.set_message(text);
        }
    }

    /// Leaves the last frame on the terminal, or, if something better follows, nothing.
    pub(crate) fn end(&mut self) {
        for bar in &self.lines {
            match io::stdout().is_terminal() {
                true => bar.finish_and_clear(),
                false => bar.finish(),
            }
        }
    }
}

#[expect(clippy::expect_used, reason = "the template is a constant")]
fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("the template is well-formed");
    SCREEN.add(ProgressBar::new_spinner().with_style(style))
}
