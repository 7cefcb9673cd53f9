//! `get pipelines`: those of the current folder, those that an engine serves and those that have run,
//! each with its last run.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::{Shown, print},
    read,
    screen::plain,
    source::Source,
    table::Table,
};
use engine_core::{
    Pipeline,
    view::{CatalogueItem, CatalogueTrigger, PipelineItem, RunItem},
};
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
    /// As the engine that serves knows it; of a name that lies in several places, each.
    served: Vec<CatalogueItem>,
    last_run: Option<RunItem>,
}

/// What can be told without the current folder.
#[derive(Default)]
struct Known {
    last: Vec<PipelineItem>,
    served: Vec<CatalogueItem>,
}

/// Rows by application and pipeline; a file that does not say what it is has its place for a name.
#[derive(Default)]
struct Rows(BTreeMap<(String, String, String), Row>);

impl Rows {
    fn of(&mut self, application: &str, pipeline: &str) -> &mut Row {
        self.at(application, pipeline, "")
    }

    fn at(&mut self, application: &str, pipeline: &str, place: &str) -> &mut Row {
        let (application, pipeline) = (application.to_owned(), pipeline.to_owned());
        let key = (application.clone(), pipeline.clone(), place.to_owned());
        let (file, last_run) = (None, None);
        let row = Row { application, pipeline, file, served: Vec::new(), last_run };
        self.0.entry(key).or_insert(row)
    }
}

pub(crate) async fn pipelines(
    common: &Common,
    application: Option<&str>,
    output: Output,
) -> anyhow::Result<Exit> {
    let mut rows = Rows::default();
    for (application, pipeline, file) in of_folder() {
        rows.of(&application, &pipeline).file = Some(file);
    }
    let Known { last, served } = known(common).await?;
    for item in last {
        rows.of(&item.application, &item.pipeline).last_run = Some(item.last_run);
    }
    for item in served {
        let place = match item.pipeline.as_str() {
            "" => format!("{} {}", item.source, item.path),
            _ => String::new(),
        };
        rows.at(&item.application, &item.pipeline, &place).served.push(item);
    }
    let mut rows: Vec<Row> = rows.0.into_values().collect();
    rows.retain(|row| application.is_none_or(|wanted| row.application == wanted));
    print(output, &rows)?;
    Ok(Exit::Success)
}

/// Where nothing has run yet, the folder is all there is.
async fn known(common: &Common) -> anyhow::Result<Known> {
    match Source::find(common).await {
        Ok(source) => {
            let (last, served) = (source.pipelines().await?, source.catalogue().await?);
            Ok(Known { last, served })
        }
        Err(error) => match error.downcast_ref::<engine_runtime::sqlite::OpenError>() {
            Some(engine_runtime::sqlite::OpenError::Missing(_)) => Ok(Known::default()),
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

    fn triggers(&self) -> String {
        let word = |trigger: &CatalogueTrigger| match trigger.enabled {
            true => trigger.trigger_type.clone(),
            false => format!("{} (disabled)", trigger.trigger_type),
        };
        let triggers = self.served.iter().flat_map(|it| &it.triggers);
        triggers.map(word).collect::<Vec<_>>().join(", ")
    }

    fn standing(&self) -> String {
        let words: Vec<&str> = self.served.iter().map(|it| it.standing.as_str()).collect();
        words.join(", ")
    }

    /// Each fault of what an engine serves, with the place of its file.
    fn faults(&self) -> Vec<String> {
        let of = |item: &CatalogueItem| {
            let CatalogueItem { source, path, .. } = item;
            let begun = match item.standing.as_str() {
                "superseded" => "an earlier version is in force: ",
                _ => "",
            };
            let told = |fault: &String| plain(&format!("    {source} {path}: {begun}{fault}"));
            item.faults.iter().map(told).collect::<Vec<_>>()
        };
        self.served.iter().flat_map(of).collect()
    }
}

impl Shown for Vec<Row> {
    fn table(&self) {
        let mut table = Table::new([
            "APPLICATION",
            "PIPELINE",
            "LAST RUN",
            "STATUS",
            "STARTED",
            "STANDING",
            "TRIGGERS",
        ]);
        for row in self {
            let (run, status, at) = row.run();
            let Row { application, pipeline, .. } = row;
            let (standing, triggers) = (row.standing(), row.triggers());
            table.row([application, pipeline, &run, status, at, &standing, &triggers]);
            row.faults().into_iter().for_each(|fault| table.note(fault));
        }
        table.print();
    }

    fn wide(&self) {
        let mut table = Table::new([
            "APPLICATION",
            "PIPELINE",
            "LAST RUN",
            "STATUS",
            "STARTED",
            "STANDING",
            "TRIGGERS",
            "FILE",
            "SOURCE",
        ]);
        for row in self {
            let (run, status, at) = row.run();
            let Row { application, pipeline, file, served, .. } = row;
            let lies = served.first();
            let file = lies.map(|it| &it.path).or(file.as_ref()).map_or("", String::as_str);
            let source = lies.map_or("", |it| it.source.as_str());
            let (standing, triggers) = (row.standing(), row.triggers());
            table.row([
                application,
                pipeline,
                &run,
                status,
                at,
                &standing,
                &triggers,
                file,
                source,
            ]);
            row.faults().into_iter().for_each(|fault| table.note(fault));
        }
        table.print();
    }

    fn names(&self) -> Vec<String> {
        let named = self.iter().filter(|row| !row.pipeline.is_empty());
        named.map(|row| format!("{}/{}", row.application, row.pipeline)).collect()
    }
}
