//! Names of runs, stages and deliveries for the shell: read quickly, and silent about whatever goes wrong.

use crate::{arguments::Arguments, screen, state};
use clap::CommandFactory;
use clap_complete::{CompleteEnv, engine::CompletionCandidate, env::Shells};
use engine_core::{
    delivery::DeliveryFilter,
    view::{DeliveryView, RunView},
};
use engine_runtime::reader::{Listing, Reader};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

/// A shell waits no longer for names.
const DEADLINE: Duration = Duration::from_millis(700);
const RUNS: usize = 30;

/// Answers a shell that asks, and ends the program then.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Arguments::command).complete();
}

/// The script that makes a shell ask this program.
pub(crate) fn script(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let (shells, name) = (Shells::builtins(), "gennaker");
    let shell = shell.to_string();
    let completer = shells.completer(&shell);
    let completer = completer.ok_or_else(|| anyhow::anyhow!("nothing is known of {shell}"))?;
    completer.write_registration("COMPLETE", name, name, name, &mut std::io::stdout())?;
    Ok(())
}

/// Runs, newest first.
pub(crate) fn runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let listed = quickly(async |reader: Reader| {
        let listing = Listing { limit: RUNS, ..Listing::default() };
        let runs = reader.listed(&listing).await.ok()?.runs;
        let named = runs.into_iter().map(|run| (run.label(), run.status.to_string()));
        Some(named.collect())
    });
    let latest = ("latest".to_owned(), "the newest one".to_owned());
    let named: Vec<(String, String)> = [latest].into_iter().chain(listed).collect();
    candidates(named, current)
}

/// Deliveries, newest first.
pub(crate) fn deliveries(current: &OsStr) -> Vec<CompletionCandidate> {
    let named = quickly(async |reader: Reader| {
        let limit = u32::try_from(RUNS).ok();
        let found = reader.deliveries(DeliveryFilter { limit, before: None }).await.ok()?;
        let named = found.iter().map(DeliveryView::new);
        Some(named.map(|it| (it.id.to_string(), screen::plain(&it.why))).collect())
    });
    candidates(named, current)
}

/// Stages of the run that was named before.
pub(crate) fn stages(current: &OsStr) -> Vec<CompletionCandidate> {
    let named = quickly(async |reader: Reader| {
        for word in words().iter().rev().filter_map(|word| word.to_str()) {
            if word.starts_with('-') || word.is_empty() {
                continue;
            }
            if let Ok(summary) = reader.named(word).await {
                return reader.view(summary.run).await.ok().map(of);
            }
        }
        None
    });
    candidates(named, current)
}

fn of(view: RunView) -> Vec<(String, String)> {
    view.stages.into_iter().map(|(id, stage)| (id, stage.status.to_string())).collect()
}

fn candidates(named: Vec<(String, String)>, current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let begun = named.into_iter().filter(|(name, _)| name.starts_with(&*current));
    begun.map(|(name, help)| CompletionCandidate::new(name).help(Some(help.into()))).collect()
}

/// Reads from the state directory that the command line names; nothing, if anything is in the way.
fn quickly(
    read: impl AsyncFnOnce(Reader) -> Option<Vec<(String, String)>>,
) -> Vec<(String, String)> {
    let read = async {
        let directory = directory()?;
        let reader = state::reader_in(&directory).await.ok()?;
        read(reader).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let read = runtime.block_on(async { tokio::time::timeout(DEADLINE, read).await });
    read.ok().flatten().unwrap_or_default()
}

/// The words of the line that is being written.
fn words() -> Vec<OsString> {
    std::env::args_os().skip_while(|word| word != "--").skip(2).collect()
}

fn directory() -> Option<PathBuf> {
    let words = words();
    let mut pairs = words.windows(2);
    let named = pairs.find(|pair| pair[0] == "--state").map(|pair| PathBuf::from(&pair[1]));
    let glued = words.iter().find_map(|word| word.to_str()?.strip_prefix("--state="));
    let named = named.or_else(|| glued.map(PathBuf::from));
    named.or_else(|| std::env::var_os("GENNAKER_STATE").map(PathBuf::from)).or_else(state::home)
}
