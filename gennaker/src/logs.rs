//! `logs`: what the programs of a run's stages print.

use crate::{
    arguments::Common,
    client::{self, Client, segment},
    exit::Exit,
    state,
};
use anyhow::{Context, bail};
use engine_core::view::RunView;
use engine_runtime::reader::{Of, PrintedLine, Printout, Reader};
use http_body_util::BodyExt;
use std::{
    collections::VecDeque,
    io::{self, Write},
};

/// Which lines are shown.
pub(crate) struct Wanted<'a> {
    pub(crate) run: &'a str,
    pub(crate) stage: Option<&'a str>,
    pub(crate) follow: bool,
    pub(crate) tail: Option<usize>,
}

pub(crate) async fn logs(common: &Common, wanted: Wanted<'_>) -> anyhow::Result<Exit> {
    let shown = async {
        match source(common).await? {
            Lines::Engine(client) => told(&client, &wanted).await,
            Lines::Store(reader) => {
                let summary = reader.named(wanted.run).await?;
                let view = reader.view(summary.run).await?;
                let of = wanted.stage.map_or(Of::Run, |stage| Of::Stage(stage.to_owned()));
                let names = names(&view, &of)?;
                show(reader.printout(summary.run, of), &wanted, names).await
            }
        }
    };
    tokio::select! {
        shown = shown => match shown {
            Ok(()) => Ok(Exit::Success),
            // `| head` has seen enough.
            Err(error) if is_broken_pipe(&error) => Ok(Exit::Success),
            Err(error) => Err(error),
        },
        left = tokio::signal::ctrl_c() => {
            left?;
            Ok(Exit::Interrupted)
        }
    }
}

/// Who tells the lines.
enum Lines {
    Engine(Client),
    /// It goes on whatever becomes of the engine.
    Store(Reader),
}

/// The engine that is named; else the store, or, where this user may not read it, its engine.
async fn source(common: &Common) -> anyhow::Result<Lines> {
    if let Some(client) = &common.server {
        return Ok(Lines::Engine(client.clone()));
    }
    match state::reader(common).await {
        Ok(reader) => Ok(Lines::Store(reader)),
        Err(error) => match client::engine(common).await {
            Ok(Some(client)) => Ok(Lines::Engine(client)),
            Ok(None) | Err(_) => Err(error),
        },
    }
}

/// Lines as an engine tells them.
async fn told(client: &Client, wanted: &Wanted<'_>) -> anyhow::Result<()> {
    let run = segment(wanted.run);
    let view: RunView = client.get(&format!("/api/v1/runs/{run}")).await?;
    let of = wanted.stage.map_or(Of::Run, |stage| Of::Stage(stage.to_owned()));
    let names = match names(&view, &of)? {
        Names::Shown => true,
        Names::Hidden => false,
    };
    let stage = wanted.stage.map(|stage| format!("/stages/{}", segment(stage)));
    let stage = stage.unwrap_or_default();
    let tail = wanted.tail.map(|count| format!("&tail={count}")).unwrap_or_default();
    let follow = wanted.follow;
    let path = format!("/api/v1/runs/{run}{stage}/logs?follow={follow}&names={names}{tail}");
    let (mut body, driven) = client.stream(&path).await?;
    let mut out = io::stdout();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the engine broke off")?;
        if let Some(bytes) = frame.data_ref() {
            out.write_all(bytes)?;
            out.flush()?;
        }
    }
    driven.abort();
    Ok(())
}

/// Whether lines begin with their stage.
#[derive(Clone, Copy)]
enum Names {
    Shown,
    Hidden,
}

fn names(view: &RunView, of: &Of) -> anyhow::Result<Names> {
    let Of::Stage(stage) = of else { return Ok(Names::Shown) };
    if view.stages.iter().any(|(id, _)| id == stage) {
        return Ok(Names::Hidden);
    }
    if !view.stages.iter().any(|(id, _)| of.has(id)) {
        let stages: Vec<&str> = view.stages.iter().map(|(id, _)| id.as_str()).collect();
        bail!("the run has no stage `{stage}`, but {}", stages.join(", "));
    }
    Ok(Names::Shown)
}

async fn show(mut printout: Printout, wanted: &Wanted<'_>, names: Names) -> anyhow::Result<()> {
    let mut kept = VecDeque::new();
    loop {
        let lines = printout.read().await?;
        if lines.is_empty() {
            break;
        }
        match wanted.tail {
            None => print(lines, names)?,
            Some(count) => {
                kept.extend(lines);
                kept.drain(..kept.len().saturating_sub(count));
            }
        }
    }
    print(kept.into(), names)?;
    if wanted.follow {
        while let Some(lines) = printout.next().await? {
            print(lines, names)?;
        }
    }
    Ok(())
}

fn print(lines: Vec<PrintedLine>, names: Names) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for PrintedLine { stage, line, .. } in lines {
        match names {
            Names::Shown => writeln!(out, "{stage} | {}", line.text)?,
            Names::Hidden => writeln!(out, "{}", line.text)?,
        }
    }
    out.flush()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
