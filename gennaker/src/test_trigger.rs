//! `test-trigger`: what the triggers of a file would say to a payload at hand. Nothing is asked
//! outside and nothing recorded; what a provider says is taken for confirmed.

use crate::{
    arguments::Output,
    check, clusters,
    exit::Exit,
    print::{Shown, print},
    read,
    screen::plain,
};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use engine_core::{
    Pipeline,
    catalogue::{Activity, Answer, Listening, Outline},
    happening::{Change, ChangedPaths, Confirmation, Happening, Hook, Image},
    parameter::Given,
    receiver::{Heard, RawRequest},
    trigger::Because,
};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

const BODY_BYTES: u64 = 2 * 1024 * 1024;
/// What nobody has looked up here, in a form that whoever asks for one accepts.
const UNREAD_COMMIT: &str = "0000000000000000000000000000000000000000";
const UNREAD_DIGEST: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A file, and what comes in.
#[derive(Args)]
pub(crate) struct Tried {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The body that is posted, as its sender sends it
    #[arg(long, value_name = "PAYLOAD")]
    event: PathBuf,
    /// Who sends it, such as `github`, as in a receiver's `provider` [default: it is posted to the
    /// address of the file's own `webhook` triggers]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// A header of the request, such as `X-GitHub-Event: push`; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Files that the push has changed [default: any that is asked for]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    changed: Vec<String>,
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        Some(_) | None => Err("write it as `X-GitHub-Event: push`".to_owned()),
    }
}

/// Field names are an interface: they are only added to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tries {
    /// What the payload says has happened.
    happenings: Vec<String>,
    tries: Vec<Try>,
    /// What else stands in it, and why that is nothing.
    notes: Vec<String>,
}

/// What a trigger says to one happening.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Try {
    happening: String,
    /// From 1, and its type: `1 (git)`.
    trigger: String,
    starts: bool,
    /// What the run would get.
    parameters: BTreeMap<String, Value>,
    /// What says no, and what it was held against.
    filter: Option<String>,
    value: Option<String>,
}

pub(crate) fn test_trigger(tried: &Tried) -> anyhow::Result<Exit> {
    let located = read::locate(&tried.file)?;
    let registries = clusters::offline();
    let pipeline = Pipeline::read(&located.source, &registries);
    let outline = Outline::of(&located.source, &pipeline);
    if !outline.faults.is_empty() {
        check::tell(&located, pipeline.faults());
        return Ok(Exit::Invalid);
    }
    if outline.triggers.is_empty() {
        bail!("{} has no triggers: only people start it", tried.file.display());
    }
    let listening = |repository: Option<&str>| outline.listening(&registries, repository);
    let Heard { happenings, notes } = tried.heard(&listening(None))?;
    let mut tries = Vec::new();
    for happening in &happenings {
        let own = match happening {
            Happening::Git(git) => Some(git.repository.as_str()),
            Happening::Image(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => None,
        };
        let triggers = listening(own);
        tries.extend(triggers.iter().map(|it| asked(it, (happening, &outline))));
    }
    let happenings = happenings.iter().map(Happening::words).collect();
    print(tried.output, &Tries { happenings, tries, notes })?;
    Ok(Exit::Success)
}

impl Tried {
    fn heard(&self, triggers: &[Arc<Listening>]) -> anyhow::Result<Heard> {
        let shown = self.event.display();
        let body = body(&self.event).with_context(|| shown.to_string())?;
        let bytes = |(name, value): &(String, String)| (name.clone(), value.clone().into_bytes());
        let headers: Vec<(String, Vec<u8>)> = self.headers.iter().map(bytes).collect();
        let request = RawRequest { headers: &headers, path: "", body: &body, received_seconds: 0 };
        let Some(name) = &self.provider else {
            return posted(&request, triggers).with_context(|| shown.to_string());
        };
        let receivers = triggers::receivers();
        let provider = receivers.get(name).ok_or_else(|| {
            let known: Vec<&str> = receivers.names().collect();
            anyhow!("nothing is known of the provider {name}: there are {}", known.join(", "))
        })?;
        let mut heard = provider.happenings(&request).with_context(|| {
            format!("{shown} is not what {name} sends; --header gives what it sends beside")
        })?;
        heard.happenings.iter_mut().for_each(|it| self.confirm(it));
        Ok(heard)
    }

    /// As if the place itself had been asked.
    fn confirm(&self, happening: &mut Happening) {
        match happening {
            Happening::Git(git) => {
                git.paths = match self.changed.as_slice() {
                    [] => ChangedPaths::Everything,
                    changed => ChangedPaths::Those(changed.to_vec()),
                };
                if let Change::Tag { commit: commit @ None, .. } = &mut git.change {
                    *commit = Some(UNREAD_COMMIT.to_owned());
                }
            }
            Happening::Image(Image { digest, confirmation, .. }) => {
                *confirmation = Confirmation::Yes;
                digest.get_or_insert_with(|| UNREAD_DIGEST.to_owned());
            }
            Happening::Chart(chart) => chart.confirmation = Confirmation::Yes,
            Happening::Hook(_) | Happening::Time(_) | Happening::Ended(_) => {}
        }
    }
}

/// As much as an engine takes.
fn body(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    fs::File::open(path)?.take(BODY_BYTES + 1).read_to_end(&mut body)?;
    match u64::try_from(body.len()) {
        Ok(length) if length <= BODY_BYTES => Ok(body),
        Ok(_) | Err(_) => bail!("it is larger than {BODY_BYTES} bytes, and no engine takes it"),
    }
}

/// It is posted to each address that the file has, by somebody who can prove it.
fn posted(request: &RawRequest<'_>, triggers: &[Arc<Listening>]) -> anyhow::Result<Heard> {
    let payload = triggers::webhook::payload(request)?;
    let doors = triggers.iter().filter_map(|it| it.matcher.door());
    let hook = |door: engine_core::trigger::Door<'_>| {
        Happening::Hook(Hook {
            application: door.application.to_owned(),
            name: door.name.to_owned(),
            proofs: vec![door.proof.words()],
            payload: payload.clone(),
        })
    };
    let happenings: Vec<Happening> = doors.map(hook).collect();
    if happenings.is_empty() {
        bail!("the file has no `webhook` trigger: --provider says who else sends this");
    }
    Ok(Heard { happenings, notes: Vec::new() })
}

fn asked(listening: &Listening, (happening, outline): (&Happening, &Outline)) -> Try {
    let of = &listening.outline;
    let (starts, parameters, because) = match answer(listening, (happening, outline)) {
        Answer::Fires(firing) => (true, firing.parameters, None),
        Answer::No(because) => (false, BTreeMap::new(), Some(because)),
    };
    let value = |(id, given)| match given {
        Given::Typed(value) => (id, value),
        Given::Written(text) => (id, Value::from(text)),
    };
    let (filter, value_seen) = because.map(|it| (it.filter, it.value)).unzip();
    Try {
        happening: happening.words(),
        trigger: format!("{} ({})", of.number + 1, of.trigger_type),
        starts,
        parameters: parameters.into_iter().map(value).collect(),
        filter,
        value: value_seen,
    }
}

/// An engine finds triggers by what they look at, so that these never answer there.
fn answer(listening: &Listening, (happening, outline): (&Happening, &Outline)) -> Answer {
    use engine_core::trigger::IndexKey;
    let keys = listening.matcher.keys();
    let is_disabled = listening.outline.activity == Activity::Disabled;
    let looks = IndexKey::all_of(happening).iter().any(|key| keys.contains(key));
    if looks || is_disabled {
        return listening.ask(happening, outline);
    }
    let looked = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let value = match looked.as_str() {
        "" => format!("{}; it looks at nothing", IndexKey::of(happening)),
        looked => format!("{}; it looks at {looked}", IndexKey::of(happening)),
    };
    Answer::No(Because { filter: listening.outline.trigger_type.clone(), value })
}

impl Try {
    fn words(&self) -> String {
        let Try { trigger, parameters, filter, value, .. } = self;
        let said = match (filter, value) {
            (Some(filter), Some(value)) => format!("`{filter}` says no to {value}"),
            (Some(_) | None, _) if parameters.is_empty() => "starts a run".to_owned(),
            (Some(_) | None, _) => {
                let one = |(id, value): (&String, &Value)| format!("{id}={value}");
                let all: Vec<String> = parameters.iter().map(one).collect();
                format!("starts a run with {}", all.join(", "))
            }
        };
        plain(&format!("trigger {trigger}: {said}"))
    }
}

impl Shown for Tries {
    fn table(&self) {
        let mut told = "";
        for tried in &self.tries {
            if told != tried.happening {
                println!("{}", plain(&tried.happening));
            }
            told = &tried.happening;
            println!("  {}", tried.words());
        }
        self.notes.iter().for_each(|note| println!("note: {}", plain(note)));
        if self.tries.is_empty() && self.notes.is_empty() {
            println!("nothing in it starts anything");
        }
    }

    fn names(&self) -> Vec<String> {
        let starts = self.tries.iter().filter(|tried| tried.starts);
        starts.map(|tried| tried.trigger.clone()).collect()
    }
}
