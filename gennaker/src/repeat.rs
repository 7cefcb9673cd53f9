//! `rerun` and `retry`: an earlier run done again, by the files that were kept with it, whole or as
//! far as it did not succeed.

use crate::{
    arguments::{Answered, Common, Output},
    callees::Kept,
    client::{self, Answer, segment},
    clusters,
    exit::Exit,
    remote, run, screen,
    state::{self, Hosted},
    submit::{Images, Of, Ready, Submitted, begin, begun, ready, unavailable},
};
use anyhow::bail;
use engine_api::{Begun, MovedOn, NotBegun, Repeat, Starter};
use engine_core::{
    Execution, Pipeline,
    diagnostic::SourceFile,
    event::{Actor, Repeated, Signal, Trigger},
    files::{File, Files, Found},
    id::{Position, RunId},
    pipeline::{Bindings, Given, Missing},
    plan::Source,
    repeat::NotRepeated,
};
use engine_runtime::engine::{Engine, KeptError, Moved, Since};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(crate) async fn rerun(
    common: &Common,
    (named, parameters): (&str, &[(String, String)]),
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    let text = |(id, text): &(String, String)| (id.clone(), Value::from(text.as_str()));
    let how = Repeat::Rerun { parameters: parameters.iter().map(text).collect() };
    repeat(common, (named, how), shown).await
}

/// A run that has ended is tried again as a new one; in one that goes on, a held stage is.
pub(crate) async fn retry(
    common: &Common,
    (said, moved_on): (&Answered, MovedOn),
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    let summary = state::reader(common).await?.named(&said.run).await?;
    match (summary.status.has_ended(), &said.stage) {
        (false, _) => said.signal(common, Signal::Retry).await,
        (true, None) if said.attempt.is_some() => {
            bail!("{} has ended {}, and has no attempt to answer", summary.label(), summary.status)
        }
        (true, None) => repeat(common, (&said.run, Repeat::Retry { moved_on }), shown).await,
        (true, Some(_)) => {
            let (label, status) = (summary.label(), summary.status);
            bail!(
                "{label} has ended {status}: `gennaker retry {label}`, without a stage, tries it \
                 again as a new run"
            )
        }
    }
}

async fn repeat(
    common: &Common,
    (named, how): (&str, Repeat),
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    if let Some(client) = client::engine(common).await? {
        let (word, body) = request(&how);
        let path = format!("/api/v1/runs/{}/{word}", segment(named));
        return match client.post(&path, &body).await? {
            Answer::Refused { detail, diagnostics } => Ok(remote::refused(&detail, &diagnostics)),
            Answer::Done(answer) => {
                let runs = BTreeMap::from([told(begun(&answer)?)]);
                remote::see_through(common, client, runs, shown).await
            }
        };
    }
    repeat_here(common, (named, how), shown).await
}

/// No engine listens: this process is one until the new run has ended.
async fn repeat_here(
    common: &Common,
    (named, how): (&str, Repeat),
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let hosted = state::host(common, reach.clone()).await?;
    let head = hosted.engine.reader().head().await?;
    let starter = Submitted::on(reach);
    let started = match hosted.engine.reader().named(named).await {
        Ok(summary) => {
            let by = (run::actor(), state::draw()?);
            let started = starter.repeat(&hosted.engine, (summary.run, how), by).await;
            started.map(|begun| vec![begun])
        }
        Err(error) => Err(NotBegun::Refused { reason: error.to_string() }),
    };
    conclude((hosted, head), started, shown).await
}

/// Sees what was started here through to its end, or says why nothing was.
pub(crate) async fn conclude(
    (hosted, head): (Hosted, Position),
    started: Result<Vec<Begun>, NotBegun>,
    shown: (bool, Output),
) -> anyhow::Result<Exit> {
    match started {
        Ok(started) => {
            let runs = started.into_iter().map(|Begun { run, label }| told((run, label)));
            let runs = runs.collect();
            run::see_through(hosted, (head, runs), shown).await
        }
        Err(refusal) => {
            hosted.leave().await?;
            Ok(match refusal {
                NotBegun::Invalid { diagnostics } => {
                    remote::refused("the pipeline has faults", &diagnostics)
                }
                NotBegun::Refused { reason }
                | NotBegun::Full { reason }
                | NotBegun::Unavailable { reason } => remote::refused(&reason, &[]),
            })
        }
    }
}

pub(crate) fn told((run, label): (RunId, String)) -> (RunId, String) {
    screen::say(&format!("{label} is run {run}"));
    (run, label)
}

fn request(how: &Repeat) -> (&'static str, Value) {
    match how {
        Repeat::Rerun { parameters } => ("rerun", json!({ "parameters": parameters })),
        Repeat::Retry { moved_on } => {
            ("retry", json!({ "confirm": *moved_on == MovedOn::Confirmed }))
        }
    }
}

impl Submitted {
    /// A new run of the same file; its parameters are those of the earlier one where none are
    /// given.
    pub(crate) async fn rerun(
        &self,
        engine: &Engine,
        (run, parameters): (RunId, BTreeMap<String, Value>),
        by: (Actor, String),
    ) -> Result<Begun, NotBegun> {
        let earlier = earlier(engine, run).await?;
        let refused = |error: NotRepeated| NotBegun::Refused { reason: error.to_string() };
        earlier.may_be_repeated().map_err(refused)?;
        let of = Repeated { run, number: earlier.recorded().number };
        let again = match &earlier.plan().document().source {
            Some(source) => {
                let given = (given(&earlier, parameters), Images::Asked);
                self.compiled_again((engine, &earlier), source, (given, &by.0)).await?
            }
            None if parameters.is_empty() => {
                Ready { plan: earlier.plan().clone(), files: Vec::new(), warnings: Vec::new() }
            }
            None => return Err(NotBegun::Refused { reason: unkept(&earlier) }),
        };
        begin(engine, (again, Trigger::Rerun { of }, Vec::new()), by).await
    }

    /// A new run of the same file with the same parameters, which takes over what it may.
    pub(crate) async fn retry(
        &self,
        engine: &Engine,
        (run, moved_on): (RunId, MovedOn),
        by: (Actor, String),
    ) -> Result<Begun, NotBegun> {
        let earlier = earlier(engine, run).await?;
        let refused = |error: NotRepeated| NotBegun::Refused { reason: error.to_string() };
        earlier.may_be_retried().map_err(refused)?;
        let since = engine.since(&earlier).await;
        let Since { moved_on: moved, gone } =
            since.map_err(|error| unavailable(error.to_string()))?;
        match moved_on {
            MovedOn::Refused if !moved.is_empty() => {
                return Err(NotBegun::Refused { reason: moved_words(&earlier, &moved) });
            }
            MovedOn::Refused | MovedOn::Confirmed => {}
        }
        let confirmed = moved.into_iter().map(|moved| moved.environment).collect();
        let of = Repeated { run, number: earlier.recorded().number };
        let again = match &earlier.plan().document().source {
            Some(source) => {
                let images = Images::As(earlier.plan().document().resolved.clone());
                let given = (given(&earlier, BTreeMap::new()), images);
                self.compiled_again((engine, &earlier), source, (given, &by.0)).await?
            }
            None => Ready { plan: earlier.plan().clone(), files: Vec::new(), warnings: Vec::new() },
        };
        let again = again.carrying(earlier.recorded().images.clone());
        let offers = earlier.offers(&again.plan, &gone);
        begin(engine, (again, Trigger::Retry { of, confirmed }, offers), by).await
    }

    /// The plan of a file that was kept, checked as at any start.
    async fn compiled_again(
        &self,
        (engine, earlier): (&Engine, &Execution),
        source: &Source,
        ((parameters, images), actor): ((BTreeMap<String, Given>, Images), &Actor),
    ) -> Result<Ready, NotBegun> {
        let kept = |error: KeptError| unavailable(error.to_string());
        let text = engine.kept(&source.content).await.map_err(kept)?;
        let file = SourceFile::new(source.name.clone(), &text);
        let actor = self.reach.now().found.platform.person(actor.clone()).name;
        let (trigger, missing) = (Trigger::Manual, Missing::Refused);
        let origin = earlier.plan().document().origin.clone();
        let bindings = Bindings { parameters, actor, trigger, missing, origin };
        let mut files = kept_files(engine, earlier).await.map_err(kept)?;
        self.tell_missing((&file, &bindings), (earlier, &mut files));
        let of = Of::origin(earlier.plan());
        let how = (images, of);
        let plan = self.compiled((&file, &files), &bindings, how).await?;
        let ready = ready(engine.sealer(), (plan, &files), (&file, Vec::new()));
        let callees = earlier.plan().document().callees.clone();
        Ok(ready.coming(of).calling(Kept { callees, contents: Vec::new() }))
    }

    /// What other parameters ask for and was not read then cannot be had now.
    fn tell_missing(
        &self,
        (file, bindings): (&SourceFile, &Bindings),
        (earlier, files): (&Execution, &mut Files),
    ) {
        let registry = self.reach.now().registry();
        let nodes = earlier.plan().nodes().iter();
        let known: BTreeSet<&String> = nodes.flat_map(|node| node.patterns.keys()).collect();
        for request in Pipeline::read(file, &registry).bound(bindings).files(&registry) {
            if !known.contains(&request.pattern) {
                let label = earlier.label();
                let reason = format!(
                    "it was not kept with {label}, which had other parameters: start from the file"
                );
                files.insert_answer(request.pattern, Found::Nothing { reason });
            }
        }
    }
}

async fn earlier(engine: &Engine, run: RunId) -> Result<Execution, NotBegun> {
    let execution = engine.reader().execution(run).await;
    execution.map_err(|error| unavailable(error.to_string()))
}

/// A text is read as the parameter's type says, as on the command line.
fn given(earlier: &Execution, parameters: BTreeMap<String, Value>) -> BTreeMap<String, Given> {
    let before = earlier.plan().document().parameters.clone().into_iter();
    let mut given: BTreeMap<String, Given> =
        before.map(|(id, value)| (id, Given::Typed(value))).collect();
    given.extend(parameters.into_iter().map(|(id, value)| match value {
        Value::String(text) => (id, Given::Written(text)),
        typed => (id, Given::Typed(typed)),
    }));
    given
}

fn moved_words(earlier: &Execution, moved: &[Moved]) -> String {
    let told = |Moved { environment, revision, by }: &Moved| {
        format!("{environment} holds revision {revision} of {by}")
    };
    format!(
        "targets have moved on since {}: {}. Confirm it (`--confirm`) to go on all the same",
        earlier.label(),
        moved.iter().map(told).collect::<Vec<_>>().join(", ")
    )
}

fn unkept(earlier: &Execution) -> String {
    format!(
        "{} was started by a release that kept no pipeline files, so it cannot be rerun with other \
         parameters: start it from its file with `gennaker run`",
        earlier.label()
    )
}

async fn kept_files(engine: &Engine, earlier: &Execution) -> Result<Files, KeptError> {
    let mut files = Files::default();
    for node in earlier.plan().nodes() {
        for (path, name) in &node.files {
            let content = Arc::from(engine.kept(name).await?);
            files.insert_file(path.clone(), File { content, name: name.clone() });
        }
        for (pattern, paths) in &node.patterns {
            files.insert_answer(pattern.clone(), Found::Paths(paths.clone()));
        }
    }
    Ok(files)
}
