//! `config`: what the platform's files come to, and where each value is said.

use crate::{
    arguments::{Common, Output},
    clusters,
    exit::Exit,
    platform,
    print::{Shown, print},
    state::{self, Place},
};
use engine_core::{
    diagnostic::{Position, SourceFile},
    platform::{Platform, Said, Setting},
};
use engine_runtime::secrets::{SecretSource, VARIABLE_PREFIX, Wanted};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// What is shown instead of a secret.
const MASKED: &str = "***";

/// A value and where it is said. Field names are an interface: they are only added to.
#[derive(Serialize)]
struct Line {
    key: String,
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct View(Vec<Line>);

impl Shown for View {
    fn table(&self) {
        let text = |line: &Line| match &line.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let keys = self.0.iter().map(|line| line.key.len()).max().unwrap_or_default();
        let values = self.0.iter().map(|line| text(line).len()).max().unwrap_or_default();
        for line in &self.0 {
            match &line.origin {
                Some(origin) => println!("{:keys$}  {:values$}  {origin}", line.key, text(line)),
                None => println!("{:keys$}  {}", line.key, text(line)),
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|line| line.key.clone()).collect()
    }
}

/// Says that the files are valid; their faults are told as they are by every command.
pub(crate) fn validate(common: &Common) -> anyhow::Result<Exit> {
    match platform::find(common)?.gathered {
        Some(gathered) => {
            let names: Vec<&str> = gathered.on_disk().iter().map(SourceFile::path).collect();
            println!("{} is valid", names.join(", "));
        }
        None => println!("there is no gennaker.yaml here, so nothing is restricted"),
    }
    Ok(Exit::Success)
}

pub(crate) async fn view(
    common: &Common,
    (has_origins, output): (bool, Output),
) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let gathered = reach.found.gathered.clone();
    let files = gathered.as_ref().map(|it| it.files.as_slice()).unwrap_or_default();
    let on_disk = gathered.as_ref().map_or(0, |it| it.on_disk().len());
    let mut lines: Vec<Line> =
        Platform::settings(files).into_iter().map(|it| line(it, (files, on_disk))).collect();
    overridden(common, &mut lines);
    let platform = &reach.found.platform;
    lines.extend(database(common, platform));
    let named: BTreeSet<&str> =
        platform.own_secrets().into_iter().chain(platform.granted_secrets()).collect();
    lines.extend(named.into_iter().map(|name| secret(name, (common, &reach))));
    if !has_origins {
        lines.iter_mut().for_each(|line| line.origin = None);
    }
    print(output, &View(lines))?;
    Ok(Exit::Success)
}

fn line(Setting { key, value, said }: Setting, (files, on_disk): (&[SourceFile], usize)) -> Line {
    let origin = match said {
        Said::Nowhere => "default".to_owned(),
        Said::At { file, .. } if file >= on_disk => files[file].path().to_owned(),
        Said::At { file, position: Position { line, column } } => {
            format!("{}:{line}:{column}", files[file].path())
        }
    };
    Line { key, value, origin: Some(origin) }
}

/// What flags and variables say comes before what the file says.
fn overridden(common: &Common, lines: &mut Vec<Line>) {
    let directory = common.secrets_directory.as_ref().map(|path| path.display().to_string());
    let given = [
        ("server.socketGroup", "--socket-group", "GENNAKER_SOCKET_GROUP", &common.socket_group),
        ("secrets.directory", "--secrets-directory", "GENNAKER_SECRETS_DIRECTORY", &directory),
    ];
    for (key, flag, variable, value) in given {
        let Some(value) = value else { continue };
        let of_variable = std::env::var(variable).is_ok_and(|it| it == *value);
        let origin = if of_variable { variable } else { flag };
        lines.retain(|line| line.key != key);
        let (key, value) = (key.to_owned(), Value::from(value.as_str()));
        lines.push(Line { key, value, origin: Some(origin.to_owned()) });
    }
}

/// Where runs are kept if nothing is said: where they already are.
fn database(common: &Common, platform: &Platform) -> Option<Line> {
    if platform.database().is_some() {
        return None;
    }
    let place = state::directory(common).and_then(|directory| Place::now(&directory));
    let (value, origin) = match place {
        Ok(place) => (format!("sqlite:{}", place.database.display()).into(), place.origin()),
        Err(error) => (Value::Null, error.to_string()),
    };
    Some(Line { key: "database".to_owned(), value, origin: Some(origin) })
}

/// Whether a secret has a value, and where; never which.
fn secret(name: &str, (common, reach): (&Common, &clusters::Reach)) -> Line {
    let wanted = Wanted { name: name.to_owned(), application: String::new(), environment: None };
    let variable = format!("{VARIABLE_PREFIX}{name}");
    let of_file = format!("{variable}_FILE");
    let directory = crate::secrets::directory(common, &reach.found);
    let (value, origin) = match reach.kept.now().find(&wanted) {
        Err(error) => (Value::Null, error.to_string()),
        Ok(_) if std::env::var_os(&variable).is_some() => (MASKED.into(), variable),
        Ok(_) if std::env::var_os(&of_file).is_some() => (MASKED.into(), of_file),
        Ok(_) => {
            let path = directory.unwrap_or_default().join(name);
            (MASKED.into(), path.display().to_string())
        }
    };
    Line { key: format!("secrets[{name}]"), value, origin: Some(origin) }
}
