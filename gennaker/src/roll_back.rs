//! `rollback` and `cancel --rollback`: brings back what was there before, ahead of everybody.

use crate::{
    arguments::{Common, Output},
    client::{self, Answer, segment},
    clusters,
    exit::Exit,
    remote, repeat, run, screen, state,
    submit::{Ready, Submitted, begin, begun, unavailable},
};
use engine_api::{Back, Begun, NotBegun, RollBack, Starter};
use engine_core::{
    event::{Actor, RunAct, Trigger},
    id::RunId,
    plan::{Plan, WayBack},
    revision::Target,
};
use engine_runtime::engine::Engine;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) async fn roll_back(
    common: &Common,
    wanted: RollBack,
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    if let Some(client) = client::engine(common).await? {
        let body = serde_json::to_value(&wanted)?;
        return match client.post("/api/v1/rollbacks", &body).await? {
            Answer::Refused { detail, diagnostics } => Ok(remote::refused(&detail, &diagnostics)),
            Answer::Done(answer) => {
                let runs = BTreeMap::from([repeat::told(begun(&answer)?)]);
                remote::see_through(common, client, runs, shown).await
            }
        };
    }
    let reach = clusters::reach(common).await?;
    let hosted = state::host(common, reach.clone()).await?;
    let head = hosted.engine.reader().head().await?;
    let by = (run::actor(), state::draw()?);
    let started = Submitted::on(reach).roll_back(&hosted.engine, Back::Target(wanted), by).await;
    repeat::conclude((hosted, head), started, shown).await
}

/// Cancels a run, and brings back what it has changed.
pub(crate) async fn cancel(common: &Common, (named, reason): (&str, &str)) -> anyhow::Result<Exit> {
    if let Some(client) = client::engine(common).await? {
        let path = format!("/api/v1/runs/{}/cancelAndRollBack", segment(named));
        return match client.post(&path, &json!({ "reason": reason })).await? {
            Answer::Refused { detail, diagnostics } => Ok(remote::refused(&detail, &diagnostics)),
            Answer::Done(answer) => {
                let started = answer.as_array().into_iter().flatten();
                for run in started {
                    repeat::told(begun(run)?);
                }
                screen::say("recorded");
                Ok(Exit::Success)
            }
        };
    }
    let reach = clusters::reach(common).await?;
    let hosted = state::host(common, reach.clone()).await?;
    let head = hosted.engine.reader().head().await?;
    let run = hosted.engine.reader().named(named).await;
    let run = match run {
        Ok(summary) => summary.run,
        Err(error) => {
            hosted.leave().await?;
            return Err(error.into());
        }
    };
    let back = Back::Run { run, reason: reason.to_owned() };
    let by = (run::actor(), state::draw()?);
    let started = Submitted::on(reach).roll_back(&hosted.engine, back, by).await;
    repeat::conclude((hosted, head), started, (false, Output::Table)).await
}

impl Submitted {
    pub(crate) async fn taken_back(
        &self,
        engine: &Engine,
        back: Back,
        by: (Actor, String),
    ) -> Result<Vec<Begun>, NotBegun> {
        match back {
            Back::Target(RollBack { application, environment, to, component }) => {
                let mut config = json!({ "to": to.unwrap_or_else(|| "lastGood".into()) });
                if let Some(component) = component {
                    config["component"] = component.into();
                }
                let back = WayBack { application, environment, config };
                Ok(vec![self.way_back(engine, back, by).await?])
            }
            Back::Run { run, reason } => self.run_taken_back(engine, (run, reason), by).await,
        }
    }

    /// The ways back begin first: whoever dies in between leaves nothing half-done that the same
    /// request would not finish.
    async fn run_taken_back(
        &self,
        engine: &Engine,
        (run, reason): (RunId, String),
        (actor, key): (Actor, String),
    ) -> Result<Vec<Begun>, NotBegun> {
        let refused =
            |error: &dyn std::fmt::Display| NotBegun::Refused { reason: error.to_string() };
        let reader = engine.reader();
        let execution = reader.execution(run).await.map_err(|error| refused(&error))?;
        execution.admits(RunAct::Cancel).map_err(|error| refused(&error))?;
        let mut started = Vec::new();
        for state in execution.recorded().targets.values() {
            if changed(engine, (run, &state.target)).await? {
                let Target { application, environment, .. } = state.target.clone();
                let key = format!("{key}/{environment}");
                let config = json!({ "to": { "undo": run } });
                let back = WayBack { application, environment, config };
                started.push(self.way_back(engine, back, (actor.clone(), key)).await?);
            }
        }
        let said = (RunAct::Cancel, actor, reason);
        engine.act(run, said, key).await.map_err(|error| refused(&error))?;
        Ok(started)
    }

    async fn way_back(
        &self,
        engine: &Engine,
        back: WayBack,
        by: (Actor, String),
    ) -> Result<Begun, NotBegun> {
        let refused = |reason: String| NotBegun::Refused { reason };
        let (name, application) = (&back.environment, &back.application);
        let reach = self.reach.now();
        let place = reach.unasked().place(name, application);
        let place = place.map_err(|error| refused(error.to_string()))?;
        let environments = reach.environments([&place].into_iter()).await;
        let environments = environments.map_err(|error| unavailable(format!("{error:#}")))?;
        let place = environments.place(name, application);
        let place = place.map_err(|error| refused(error.to_string()))?;
        let registry = reach.registry();
        let plan = Plan::way_back(&back, place, &registry.stages);
        let plan = Arc::new(plan.map_err(|error| refused(error.to_string()))?);
        let ready = Ready { plan, files: Vec::new(), warnings: Vec::new() };
        begin(engine, (ready, Trigger::Manual, Vec::new()), by).await
    }
}

/// Whether the run has recorded a revision of the target.
async fn changed(engine: &Engine, (run, target): (RunId, &Target)) -> Result<bool, NotBegun> {
    let revisions = engine.reader().revisions(target).await;
    let revisions = revisions.map_err(|error| unavailable(error.to_string()))?;
    Ok(revisions.iter().any(|revision| revision.run == run))
}

/// Where to go back to, as the command line says it: a word, or the number of a revision.
pub(crate) fn to(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}
