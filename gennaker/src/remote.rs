//! `run` beside an engine that works on the same state directory: that one is asked.

use crate::{
    arguments::{Common, Output},
    await_end::until_ended,
    check,
    client::{self, Answer, Client},
    clusters,
    exit::Exit,
    read::Located,
    run, screen,
    source::Source,
    state::{self, Hosted},
    submit::{self, begun},
    watch,
};
use engine_api::Submission;
use engine_core::{
    BoxFuture,
    event::RunAct,
    id::{Position, RunId},
    pipeline::Bindings,
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// How often is looked whether the engine is still there.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(
    common: &Common,
    client: Client,
    (located, bindings): (&[Located], &Bindings),
    (is_watched, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let mut submissions = Vec::new();
    for located in located {
        match submit::submission(located, (bindings, &reach)) {
            Ok(submission) => submissions.push(submission),
            Err(diagnostics) => check::tell(located, &diagnostics),
        }
    }
    if submissions.len() < located.len() {
        return Ok(Exit::Invalid);
    }
    match start(&client, submissions).await? {
        Asked::Started(runs) => see_through(common, client, runs, (is_watched, output)).await,
        Asked::Refused(exit) => Ok(exit),
    }
}

/// Waits until `runs`, which another engine drives, have ended, and tells how.
pub(crate) async fn see_through(
    common: &Common,
    client: Client,
    runs: BTreeMap<RunId, String>,
    (is_watched, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let mut source = Source::of(common, client.clone())?;
    let ended: BoxFuture<'_, anyhow::Result<()>> = match is_watched {
        true => Box::pin(watch::follow(source.clone(), Some(Position(0)), &runs)),
        false => Box::pin(until_ended(source.clone(), &runs)),
    };
    let mut by = By::Another(client);
    let followed = follow(common, (&mut by, ended), &runs).await;
    if let By::Ourselves(hosted) = by {
        hosted.leave().await?;
    }
    let exit = match run::report(&source, &runs, output).await {
        Ok(exit) => exit,
        Err(gone) => {
            source = source.again(gone).await?;
            run::report(&source, &runs, output).await?
        }
    };
    Ok(match followed? {
        Followed::ToTheEnd => exit,
        Followed::Interrupted => Exit::Interrupted,
    })
}

enum Asked {
    Started(BTreeMap<RunId, String>),
    Refused(Exit),
}

async fn start(client: &Client, submissions: Vec<Submission>) -> anyhow::Result<Asked> {
    let mut runs = BTreeMap::new();
    for submission in submissions {
        match client.post("/api/v1/runs", &serde_json::to_value(submission)?).await? {
            Answer::Done(answer) => {
                let (run, label) = begun(&answer)?;
                screen::say(&format!("{label} is run {run}"));
                runs.insert(run, label);
            }
            Answer::Refused { detail, diagnostics } => {
                return Ok(Asked::Refused(refused(&detail, &diagnostics)));
            }
        }
    }
    Ok(Asked::Started(runs))
}

/// Who drives the runs.
enum By {
    Another(Client),
    /// The other engine has left before our runs had ended.
    Ourselves(Hosted),
}

enum Followed {
    ToTheEnd,
    Interrupted,
}

async fn follow(
    common: &Common,
    (by, mut ended): (&mut By, BoxFuture<'_, anyhow::Result<()>>),
    runs: &BTreeMap<RunId, String>,
) -> anyhow::Result<Followed> {
    let mut interrupted = false;
    loop {
        tokio::select! {
            ended = &mut ended => { ended?; break }
            () = tokio::time::sleep(LOOK) => look_after(common, by).await?,
            signal = tokio::signal::ctrl_c() => {
                signal?;
                if interrupted {
                    return Ok(Followed::Interrupted);
                }
                interrupted = true;
                cancel(by, runs).await?;
            }
        }
    }
    Ok(if interrupted { Followed::Interrupted } else { Followed::ToTheEnd })
}

/// Goes on with the runs when the engine that had them has left.
async fn look_after(common: &Common, by: &mut By) -> anyhow::Result<()> {
    match by {
        By::Another(client) if !client.is_there().await => {}
        By::Another(_) | By::Ourselves(_) => return Ok(()),
    }
    if common.server.is_some() {
        return Ok(());
    }
    if let Some(client) = client::engine(common).await? {
        *by = By::Another(client);
        return Ok(());
    }
    // It may be about to open its socket, or about to give its lease back.
    if let Ok(hosted) = state::host(common, clusters::reach(common).await?).await {
        screen::say("the engine has left; this process goes on");
        *by = By::Ourselves(hosted);
    }
    Ok(())
}

async fn cancel(by: &By, runs: &BTreeMap<RunId, String>) -> anyhow::Result<()> {
    const REASON: &str = "interrupted at the terminal";
    screen::say("cancelling; press Ctrl-C again to leave at once");
    for run in runs.keys() {
        // It may have ended meanwhile.
        match by {
            By::Another(client) => {
                drop(client.tell(&run.to_string(), (RunAct::Cancel, REASON)).await?)
            }
            By::Ourselves(hosted) => {
                let said = (RunAct::Cancel, run::actor(), REASON.to_owned());
                drop(hosted.engine.act(*run, said, state::draw()?).await);
            }
        }
    }
    Ok(())
}

pub(crate) fn refused(detail: &str, diagnostics: &[Value]) -> Exit {
    for fault in diagnostics {
        let word = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
        screen::say(&format!("error[{}]: {}", word("code"), word("message")));
    }
    screen::say(&format!("error: {detail}"));
    if diagnostics.is_empty() { Exit::Error } else { Exit::Invalid }
}
