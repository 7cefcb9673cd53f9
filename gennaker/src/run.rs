//! `run`: starts pipelines together and drives everything until their runs have ended.

use crate::{
    arguments::{Common, Output},
    await_end::until_ended,
    callees, check, client,
    clusters::{self, Reach},
    exit::Exit,
    print::print,
    read::{self, Located},
    registries, remote, screen, secrets,
    served::{self, Named},
    source::Source,
    state::{self, Hosted},
    submit::{self, Ready},
    watch,
};
use anyhow::bail;
use engine_core::{
    Pipeline, Plan,
    diagnostic::Diagnostic,
    event::{Actor, RunAct, Trigger, Way},
    id::{Position, RunId},
    pipeline::{Bindings, Missing},
    plan::Environments,
};
use engine_runtime::{
    engine::{Engine, NewRun, Started},
    secrets::Secrets,
};
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

/// Why nothing of a source can be started.
const NOBODY_SERVES: &str =
    "`--ref` is for pipelines of sources, and no engine that serves any listens: `gennaker serve`";

pub(crate) async fn run(
    common: &Common,
    (paths, reference, parameters): (&[PathBuf], Option<&str>, &[(String, String)]),
    (watch, output): (bool, Output),
) -> anyhow::Result<Exit> {
    if let Some(named) = names(paths, reference) {
        match client::engine(common).await? {
            Some(client) => {
                let wanted = (reference, parameters);
                return served::run(common, (client, &named), wanted, (watch, output)).await;
            }
            None if reference.is_some() => bail!(NOBODY_SERVES),
            None => {}
        }
    } else if reference.is_some() {
        bail!("`--ref` is for pipelines of sources: name them APPLICATION/PIPELINE");
    }
    of_files(common, (paths, parameters), (watch, output)).await
}

async fn of_files(
    common: &Common,
    (paths, parameters): (&[PathBuf], &[(String, String)]),
    (watch, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let located: Vec<Located> =
        paths.iter().map(|path| read::locate(path)).collect::<Result<_, _>>()?;
    let bindings = read::bindings(parameters, Missing::Refused);
    if let Some(client) = client::engine(common).await? {
        return remote::run(common, client, (&located, &bindings), (watch, output)).await;
    }
    let reach = clusters::reach(common).await?;
    let hosted = state::host(common, reach.clone()).await?;
    let person = reach.found.platform.person(actor()).name;
    let bindings = Bindings { actor: person, ..bindings };
    let secrets = secrets::of(&reach);
    let place = (reach, secrets);
    let ready = match ready(&hosted.engine, (&located, &bindings), place).await {
        Ok(ready) if ready.len() == located.len() => ready,
        Ok(_) => {
            hosted.leave().await?;
            return Ok(Exit::Invalid);
        }
        Err(error) => {
            hosted.leave().await?;
            return Err(error);
        }
    };
    let head = hosted.engine.reader().head().await?;
    let (runs, started) = start_all(&hosted.engine, ready).await;
    if runs.is_empty() {
        hosted.leave().await?;
        return Ok(started);
    }
    Ok(see_through(hosted, (head, runs), (watch, output)).await?.max(started))
}

/// Pipelines of sources, if all are named so; a file or folder that lies there comes first.
fn names<'a>(paths: &'a [PathBuf], reference: Option<&str>) -> Option<Vec<Named<'a>>> {
    let named = |path: &'a PathBuf| match reference.is_none() && path.exists() {
        true => None,
        false => Named::read(path),
    };
    paths.iter().map(named).collect()
}

/// Starts what can be started: that is seen through, whatever becomes of the others.
async fn start_all(engine: &Engine, all: Vec<Ready>) -> (BTreeMap<RunId, String>, Exit) {
    let (mut runs, mut exit) = (BTreeMap::new(), Exit::Success);
    for ready in all {
        match start(engine, ready).await {
            Ok((run, label)) => {
                screen::say(&format!("{label} is run {run}"));
                runs.insert(run, label);
            }
            Err(error) => {
                screen::say(&format!("error: {error:#}"));
                exit = Exit::Error;
            }
        }
    }
    (runs, exit)
}

/// Drives everything until `runs` have ended, and tells how; what happens is followed from `head`.
pub(crate) async fn see_through(
    hosted: Hosted,
    (head, runs): (Position, BTreeMap<RunId, String>),
    (watch, output): (bool, Output),
) -> anyhow::Result<Exit> {
    match drive(&hosted, (head, &runs), (watch, output)).await {
        Ok(Ended::Left) => Ok(Exit::Interrupted),
        Ok(Ended::Runs(exit)) => {
            hosted.leave().await?;
            Ok(exit)
        }
        Err(error) => Err(error),
    }
}

enum Ended {
    Runs(Exit),
    /// A second Ctrl-C: everything is left as it is, for `recover`.
    Left,
}

async fn drive(
    hosted: &Hosted,
    (head, runs): (Position, &BTreeMap<RunId, String>),
    (watch, output): (bool, Output),
) -> anyhow::Result<Ended> {
    let (engine, source) = (&hosted.engine, Source::Store(hosted.engine.reader()));
    let asked = AtomicBool::new(false);
    tokio::select! {
        ended = screen::slowly("waiting for the end", until_ended(source.clone(), runs)), if !watch => ended?,
        ended = watch::follow(source.clone(), Some(head), runs), if watch => ended?,
        error = engine.failed() => return Err(error.into()),
        left = interrupted_twice(engine, runs, &asked) => {
            left?;
            return Ok(Ended::Left);
        }
    }
    let exit = report(&source, runs, output).await?;
    let was_asked = asked.load(Ordering::Acquire);
    Ok(Ended::Runs(if was_asked { Exit::Interrupted } else { exit }))
}

/// Every pipeline that can start; the faults of the others are told. A cluster is asked only if
/// some stage acts on one.
async fn ready(
    engine: &Engine,
    (located, bindings): (&[Located], &Bindings),
    (reach, secrets): (Reach, Secrets),
) -> anyhow::Result<Vec<Ready>> {
    let (mut all, unasked, none) = (Vec::new(), reach.unasked(), BTreeMap::new());
    let place = (&reach, &secrets);
    for located in located {
        match prepare(engine, (located, bindings, &none), (place, &unasked)) {
            Ok(ready) => {
                check::tell(located, &ready.warnings);
                all.push(ready);
            }
            Err(diagnostics) => check::tell(located, &diagnostics),
        }
    }
    let acts = |ready: &Ready| ready.plan.places().next().is_some();
    if all.len() < located.len() {
        return Ok(all);
    }
    let asking = all.iter().map(|ready| registries::digests(&reach.registries, &ready.plan));
    let digests = screen::slowly("asking registries for digests", join_all(asking)).await;
    if !all.iter().any(acts) && digests.iter().all(BTreeMap::is_empty) {
        return Ok(all);
    }
    let looked_at = std::mem::take(&mut all);
    for ((located, looked_at), digests) in located.iter().zip(looked_at).zip(digests) {
        let asking = reach.environments(looked_at.plan.places());
        let asked = screen::slowly("asking the clusters who they are", asking).await?;
        match prepare(engine, (located, bindings, &digests), (place, &asked)) {
            Ok(ready) => all.push(ready),
            Err(diagnostics) => check::tell(located, &diagnostics),
        }
    }
    Ok(all)
}

fn prepare(
    engine: &Engine,
    (located, bindings, digests): (&Located, &Bindings, &BTreeMap<String, String>),
    ((reach, secrets), environments): ((&Reach, &Secrets), &Environments),
) -> Result<Ready, Vec<Diagnostic>> {
    let registry = reach.registry();
    let pipeline = Pipeline::read(&located.source, &registry);
    let pipeline = pipeline.with_digests(digests.clone()).bound(bindings);
    let name = |content: &[u8]| engine.sealer().name(content);
    let left = read::Allowance::default();
    let files = read::files(&located.root, &pipeline.files(&registry), (name, &left));
    let environments = secrets::checked(environments, (&pipeline, secrets));
    let plan = Plan::compile(&pipeline, &environments, &registry, &files)?;
    let warnings = pipeline.warnings(&environments);
    let called = callees::beside(located, (&registry, &name))?;
    let ready = submit::ready(engine.sealer(), (plan, &files), (&located.source, warnings));
    Ok(ready.calling(callees::kept(engine.sealer(), called)))
}

async fn start(engine: &Engine, ready: Ready) -> anyhow::Result<(RunId, String)> {
    let pipeline = ready.plan.document().pipeline.clone();
    let new = NewRun {
        plan: ready.plan,
        trigger: Trigger::Manual,
        actor: actor(),
        ancestry: Vec::new(),
        parent: None,
        offers: Vec::new(),
        files: ready.files,
        key: None,
    };
    match engine.start(new).await? {
        Started::New { run, number } => Ok((run, format!("{pipeline}#{number}"))),
        Started::Before { run } => Ok((run, pipeline)),
    }
}

/// The first Ctrl-C asks the runs to cancel, the second leaves at once.
async fn interrupted_twice(
    engine: &Engine,
    runs: &BTreeMap<RunId, String>,
    asked: &AtomicBool,
) -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await?;
    asked.store(true, Ordering::Release);
    screen::say(
        "cancelling; press Ctrl-C again to leave at once (`gennaker recover` goes on then)",
    );
    for run in runs.keys() {
        let reason = "interrupted at the terminal".to_owned();
        // A run that has ended meanwhile needs no cancel.
        if let Err(error) =
            engine.act(*run, (RunAct::Cancel, actor(), reason), "interrupt".to_owned()).await
        {
            tracing::debug!(%run, %error, "not cancelled");
        }
    }
    Ok(tokio::signal::ctrl_c().await?)
}

pub(crate) async fn report(
    source: &Source,
    runs: &BTreeMap<RunId, String>,
    output: Output,
) -> anyhow::Result<Exit> {
    let (mut exit, mut views) = (Exit::Success, Vec::new());
    for run in runs.keys() {
        let view = source.view(&run.to_string()).await?;
        exit = exit.max(Exit::from(view.status));
        views.push(view);
    }
    match views.as_slice() {
        [only] => print(output, only)?,
        _several => print(output, &views)?,
    }
    Ok(exit)
}

/// Who acts at this terminal: the process's user, as the socket would see it.
pub(crate) fn actor() -> Actor {
    let own = std::fs::metadata("/proc/self").map(|own| engine_api::user(own.uid()));
    Actor { name: own.unwrap_or_else(|_| "somebody".to_owned()), way: Way::CommandLine }
}
