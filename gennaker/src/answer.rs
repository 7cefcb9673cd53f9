//! `approve reject retry continue abort answer cancel pause resume`: what people say to runs.

use crate::{
    arguments::Common,
    client::{self, Client, segment},
    deliveries,
    exit::Exit,
    run::actor,
    screen,
    source::Source,
    state,
};
use anyhow::bail;
use engine_core::{
    delivery::About,
    event::{RunAct, Seen, Signal, Signalled},
    id::PlanHash,
    status::{StageStatus, WaitKind},
    view::{RunView, StageView, WaitView},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is said, to whom.
pub(crate) struct Said<'a> {
    pub(crate) run: &'a str,
    /// The one that asks, if it is not named.
    pub(crate) stage: Option<&'a str>,
    pub(crate) reason: &'a str,
    /// The attempt that its author has looked at, if it is not the present one.
    pub(crate) attempt: Option<u32>,
    /// The values that an approval asks for, as they were written.
    pub(crate) inputs: BTreeMap<String, Value>,
}

/// What is answered.
enum Aim {
    /// A stage, and what was shown of it.
    Stage { stage: String, seen: Seen },
    /// The whole run, which takes the answer as this.
    Run(RunAct),
}

impl Said<'_> {
    /// An answer is bound to the run as it is seen now: what changes until it counts refuses it.
    fn aim(&self, run: &RunView, signal: Signal) -> anyhow::Result<Aim> {
        let stage = match (self.stage, reply(run, signal)) {
            (Some(stage), _) => stage.to_owned(),
            (None, Some(act)) => return Ok(Aim::Run(act)),
            (None, None) => asking(run, signal)?,
        };
        let known = run.stages.iter().find(|(id, _)| *id == stage);
        let seen = Seen {
            run: Some(run.id.parse()?),
            attempt: self.attempt.or(known.map(|(_, stage)| stage.attempts)),
            plan: (!run.plan.is_empty()).then(|| PlanHash(run.plan.clone())),
        };
        Ok(Aim::Stage { stage, seen })
    }
}

pub(crate) async fn signal(
    common: &Common,
    signal: Signal,
    said: Said<'_>,
) -> anyhow::Result<Exit> {
    match client::engine(common).await? {
        Some(client) => to_engine(&client, signal, &said).await?,
        None => by_ourselves(common, signal, &said).await?,
    }
    screen::say("recorded");
    Ok(Exit::Success)
}

async fn to_engine(client: &Client, signal: Signal, said: &Said<'_>) -> anyhow::Result<()> {
    let run: RunView = client.get(&format!("/api/v1/runs/{}", segment(said.run))).await?;
    match said.aim(&run, signal)? {
        Aim::Run(act) => client.tell(&run.id, (act, said.reason)).await?.done()?,
        Aim::Stage { stage, seen } => {
            let (run, stage) = (segment(&run.id), segment(&stage));
            let path = format!("/api/v1/runs/{run}/stages/{stage}/{}", signal.word());
            let mut body = json!({ "reason": said.reason, "seen": seen });
            if !said.inputs.is_empty() {
                body["inputs"] = json!(said.inputs);
            }
            client.post(&path, &body).await?.done()?
        }
    };
    Ok(())
}

/// No engine listens: one is hosted that records what is said and drives nothing.
async fn by_ourselves(common: &Common, signal: Signal, said: &Said<'_>) -> anyhow::Result<()> {
    let hosted = state::host_idle(common).await?;
    let outcome = async {
        let reader = hosted.engine.reader();
        let run = reader.named(said.run).await?.run;
        let key = state::draw()?;
        match said.aim(&reader.view(run).await?, signal)? {
            Aim::Run(act) => {
                hosted.engine.act(run, (act, actor(), said.reason.to_owned()), key).await?;
            }
            Aim::Stage { stage, seen } => {
                let inputs = said.inputs.clone();
                let signalled = Signalled::new(signal, actor(), said.reason);
                let signalled = Signalled { seen, inputs, ..signalled };
                hosted.engine.signal(run, (stage, signalled), key).await?;
            }
        }
        anyhow::Ok(())
    };
    let outcome = outcome.await;
    hosted.leave().await?;
    outcome
}

/// What an answer says to the whole run, if that asks.
fn reply(run: &RunView, signal: Signal) -> Option<RunAct> {
    let asks = |waiting: &WaitView| waiting.kind == WaitKind::Question;
    match (run.waiting.as_ref().is_some_and(asks), signal) {
        (true, Signal::Yes) => Some(RunAct::Yes),
        (true, Signal::No) => Some(RunAct::No),
        (false, _)
        | (
            true,
            Signal::Approve
            | Signal::Reject
            | Signal::Retry
            | Signal::Continue
            | Signal::RollBack
            | Signal::Abort,
        ) => None,
    }
}

/// The one stage of a run that asks for such an answer.
fn asking(run: &RunView, signal: Signal) -> anyhow::Result<String> {
    let kind = match signal {
        Signal::Approve | Signal::Reject => WaitKind::Approval,
        Signal::Retry | Signal::Continue | Signal::RollBack | Signal::Abort => WaitKind::Hold,
        Signal::Yes | Signal::No => WaitKind::Question,
    };
    let asks = |stage: &StageView| {
        stage.waiting.as_ref().is_some_and(|it| it.kind == kind || it.takes.contains(&signal))
    };
    let asking = run.stages.iter().filter(|(_, stage)| asks(stage));
    let ids: Vec<&String> = asking.map(|(id, _)| id).collect();
    match ids.as_slice() {
        [only] => Ok((*only).clone()),
        [] => bail!(
            "no stage of this run takes `{}` now: `gennaker why RUN` says what waits",
            signal.word()
        ),
        several => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            bail!("several stages ask, name one of them: {}", names.join(", "))
        }
    }
}

pub(crate) async fn tell(
    common: &Common,
    act: RunAct,
    (run, reason): (&str, &str),
) -> anyhow::Result<Exit> {
    match client::engine(common).await? {
        Some(client) => drop(client.tell(run, (act, reason)).await?.done()?),
        None => {
            let hosted = state::host_idle(common).await?;
            let outcome = async {
                let run = hosted.engine.reader().named(run).await?.run;
                let said = (act, actor(), reason.to_owned());
                hosted.engine.act(run, said, state::draw()?).await?;
                anyhow::Ok(())
            };
            let outcome = outcome.await;
            hosted.leave().await?;
            outcome?;
        }
    }
    screen::say("recorded");
    Ok(Exit::Success)
}

/// `why`: one sentence for every stage that waits, was left out or failed. What is no run may be a
/// commit or an image.
pub(crate) async fn why(common: &Common, run: &str, stage: Option<&str>) -> anyhow::Result<Exit> {
    let mut source = Source::find(common).await?;
    let view = match (source.seen(run).await, run.parse::<About>(), stage) {
        (Ok(view), ..) => view,
        (Err(_), Ok(about), None) => {
            deliveries::tell_about(&source, (run, &about)).await?;
            return Ok(Exit::Success);
        }
        (Err(error), ..) => return Err(error),
    };
    let lines = sentences(&view, stage)?;
    if lines.is_empty() {
        println!("{} is {}; nothing waits, failed or was left out", view.label(), view.status);
    }
    lines.iter().for_each(|line| println!("{line}"));
    Ok(Exit::Success)
}

fn sentences(view: &RunView, wanted: Option<&str>) -> anyhow::Result<Vec<String>> {
    if let Some(wanted) = wanted
        && !view.stages.iter().any(|(id, _)| id == wanted)
    {
        let known: Vec<&str> = view.stages.iter().map(|(id, _)| id.as_str()).collect();
        bail!("there is no stage `{wanted}` in this run; it has {}", known.join(", "));
    }
    let waiting = view.waiting.iter().map(|waiting| &waiting.detail);
    let of_run = view.reason.iter().chain(&view.faults).chain(waiting);
    let mut lines: Vec<String> = of_run.map(|words| format!("run: {words}")).collect();
    for (id, stage) in &view.stages {
        let is_asked_for = match wanted {
            Some(wanted) => wanted == id,
            // What has not begun waits for what is told already.
            None => {
                stage.status != StageStatus::Pending
                    && (stage.why.is_some() || stage.usual.is_some())
            }
        };
        if is_asked_for {
            let parts = [Some(stage.status.to_string()), stage.why.clone()];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            lines.push(format!("{id}: {}", parts.join(": ")));
            lines.extend(stage.usual.as_ref().map(|usual| format!("{id}: {}", usual.sentence)));
        }
    }
    Ok(lines)
}
