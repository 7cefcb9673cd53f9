//! `get pipelines`: those of the current folder and those that have run, each with its last run.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::{Shown, print},
    read,
    source::Source,
};
use engine_core::{Pipeline, view::RunItem};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// Where pipelines of a repository lie.
const FOLDER: &str = ".gennaker";

/// Field names are an interface: they are only added to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    application: String,
    pipeline: String,
    /// In the current folder.
    file: Option<String>,
    last_run: Option<RunItem>,
}

pub(crate) async fn pipelines(
    common: &Common,
    application: Option<&str>,
    output: Output,
) -> anyhow::Result<Exit> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for (application, pipeline, file) in of_folder() {
        let row = Row {
            application: application.clone(),
            pipeline: pipeline.clone(),
            file: Some(file),
            last_run: None,
        };
        rows.insert((application, pipeline), row);
    }
    for item in known(common).await? {
        let key = (item.application.clone(), item.pipeline.clone());
        let (application, pipeline) = key.clone();
        let row = Row { application, pipeline, file: None, last_run: None };
        rows.entry(key).or_insert(row).last_run = Some(item.last_run);
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.retain(|row| application.is_none_or(|wanted| row.application == wanted));
    print(output, &rows)?;
    Ok(Exit::Success)
}

/// Where nothing has run yet, the folder is all there is.
async fn known(common: &Common) -> anyhow::Result<Vec<engine_core::view::PipelineItem>> {
    match Source::find(common).await {
        Ok(source) => source.pipelines().await,
        Err(error) => match error.downcast_ref::<engine_runtime::sqlite::OpenError>() {
            Some(engine_runtime::sqlite::OpenError::Missing(_)) => Ok(Vec::new()),
            Some(_) | None => Err(error),
        },
    }
}

/// The pipelines of the current folder, as far as their files say what they are.
fn of_folder() -> Vec<(String, String, String)> {
    let registry = crate::clusters::offline();
    let files = read::yaml_files(Path::new(FOLDER)).unwrap_or_default();
    let named = files.iter().filter_map(|file| {
        let located = read::locate(file).ok()?;
        let pipeline = Pipeline::read(&located.source, &registry);
        let (application, name) = (pipeline.application()?, pipeline.name()?);
        Some((application.to_owned(), name.to_owned(), file.display().to_string()))
    });
    named.collect()
}

impl Row {
    fn run(&self) -> (String, &str, &str) {
        match &self.last_run {
            None => ("never".to_owned(), "", ""),
            Some(run) => (run.label(), run.status.word(), run.started_at.as_str()),
        }
    }
}

impl Shown for Vec<Row> {
    fn table(&self) {
        println!(
            "{:<20} {:<20} {:<24} {:<12} STARTED",
            "APPLICATION", "PIPELINE", "LAST RUN", "STATUS"
        );
        for row in self {
            let (run, status, at) = row.run();
            let Row { application, pipeline, .. } = row;
            println!("{application:<20} {pipeline:<20} {run:<24} {status:<12} {at}");
        }
    }

    fn wide(&self) {
        println!(
            "{:<20} {:<20} {:<24} {:<12} {:<25} FILE",
            "APPLICATION", "PIPELINE", "LAST RUN", "STATUS", "STARTED"
        );
        for row in self {
            let (run, status, at) = row.run();
            let Row { application, pipeline, file, .. } = row;
            let file = file.as_deref().unwrap_or_default();
            println!("{application:<20} {pipeline:<20} {run:<24} {status:<12} {at:<25} {file}");
        }
    }

    fn names(&self) -> Vec<String> {
        self.iter().map(|row| format!("{}/{}", row.application, row.pipeline)).collect()
    }
}
