//! `run APPLICATION/PIPELINE`: starts pipelines of the sources that an engine serves.

use crate::{
    arguments::{Common, Output},
    client::{Answer, Client, segment},
    exit::Exit,
    remote, screen,
    submit::begun,
};
use engine_core::id::RunId;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::Path};

/// A pipeline by its name.
pub(crate) struct Named<'a> {
    application: &'a str,
    pipeline: &'a str,
}

impl<'a> Named<'a> {
    /// What is meant where no file lies: names have neither dots nor capitals.
    pub(crate) fn read(path: &'a Path) -> Option<Named<'a>> {
        let (application, pipeline) = path.to_str()?.split_once('/')?;
        let is_name = |text: &str| {
            let is_letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            !text.is_empty() && text.bytes().all(is_letter)
        };
        let is_one = is_name(application) && is_name(pipeline);
        is_one.then_some(Named { application, pipeline })
    }
}

pub(crate) async fn run(
    common: &Common,
    (client, named): (Client, &[Named<'_>]),
    (reference, parameters): (Option<&str>, &[(String, String)]),
    (watch, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let given = |(id, text): &(String, String)| (id.clone(), Value::from(text.as_str()));
    let parameters: Map<String, Value> = parameters.iter().map(given).collect();
    let mut body = json!({ "parameters": parameters });
    if let Some(reference) = reference {
        body["ref"] = reference.into();
    }
    let mut runs: BTreeMap<RunId, String> = BTreeMap::new();
    for Named { application, pipeline } in named {
        let (application, pipeline) = (segment(application), segment(pipeline));
        let path = format!("/api/v1/catalogue/{application}/{pipeline}/runs");
        match client.post(&path, &body).await? {
            Answer::Done(answer) => {
                let (run, label) = begun(&answer)?;
                screen::say(&format!("{label} is run {run}"));
                runs.insert(run, label);
            }
            Answer::Refused { detail, diagnostics } => {
                return Ok(remote::refused(&detail, &diagnostics));
            }
        }
    }
    remote::see_through(common, client, runs, (watch, output)).await
}
