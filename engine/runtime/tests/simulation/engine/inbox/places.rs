//! What lies outside: two applications that listen, and a repository of images whose tags move. It
//! answers late, or not at all.

use crate::{
    chance::Chance,
    plans::{self, PIPELINE},
    script::{Attempt, End, Script},
};
use engine_core::{
    BoxFuture, Pipeline, Plan, Registries, Registry,
    catalogue::{Entry, Outline, Standing},
    delivery::Mark,
    diagnostic::SourceFile,
    event,
    expression::Kind,
    happening::{Happening, Image},
    plan::{BrokenFile, Document, Effect, Node, OnFailure, Origin, Timeout},
    retry::Retry,
    stage::Fault,
    template::Template,
    trigger::{
        AnyTrigger, Because, Commit, Home, IndexKey, Meaning, PollError, Polled, Rest, Trigger,
        TriggerEvent, Verdict,
    },
};
use engine_runtime::{
    engine::NewRun,
    inbox::{
        Confirmed, Edition, Grounds, Interval, Later, Listing, Own, Pinned, Shelf, Stands, Subject,
        Unprepared, Wanted,
    },
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

pub(super) const LANES: [&str; 2] = ["first", "second"];
pub(super) const TAGS: [&str; 2] = ["blue", "green"];
const REPOSITORY: &str = "registry.example.com/shop/web";
/// What the registry calls itself.
const ALIAS: &str = "registry.internal/shop/web";

fn image(tag: &str) -> Happening {
    image_of(REPOSITORY, tag)
}

/// The same as the registry itself tells of it.
pub(super) fn told(tag: &str) -> Happening {
    image_of(ALIAS, tag)
}

fn image_of(repository: &str, tag: &str) -> Happening {
    Happening::Image(Image {
        repository: repository.to_owned(),
        tag: Some(tag.to_owned()),
        digest: None,
        platforms: Default::default(),
        confirmation: Default::default(),
    })
}

/// Fires on whatever happens where it looks: on what is posted each time, on images when they move.
struct Bell;

#[derive(Deserialize, JsonSchema)]
struct BellConfig {
    #[serde(default)]
    images: bool,
}

impl Trigger for Bell {
    const TYPE: &'static str = "bell";
    const FIELDS: &'static [(&'static str, Kind)] = &[("id", Kind::Any)];
    type Config = BellConfig;
    type Matcher = (String, BellConfig);

    fn compile(config: BellConfig, home: &Home) -> Result<Self::Matcher, Vec<Fault>> {
        Ok((home.application.clone(), config))
    }

    fn keys((application, config): &Self::Matcher) -> Vec<IndexKey> {
        vec![match config.images {
            true => IndexKey::Image { repository: REPOSITORY.to_owned() },
            false => IndexKey::Hook { application: application.clone(), name: "bell".to_owned() },
        }]
    }

    fn accept(_: &Self::Matcher, happening: &Happening) -> Verdict {
        let (id, meaning) = match happening {
            Happening::Hook(hook) => (hook.payload["id"].clone(), Meaning::Once),
            Happening::Image(Image { tag: Some(subject), digest: Some(value), .. }) => {
                let meaning = Meaning::Of { subject: subject.clone(), value: value.clone() };
                (json!(format!("{subject}@{value}")), meaning)
            }
            Happening::Image(_)
            | Happening::Git(_)
            | Happening::Chart(_)
            | Happening::Time(_)
            | Happening::Ended(_) => {
                let (filter, value) = ("digest".to_owned(), "none".to_owned());
                return Verdict::No(Because { filter, value });
            }
        };
        let fields = Map::from_iter([("id".to_owned(), id)]);
        Verdict::Start(TriggerEvent { fields, meaning, commit: Commit::Default, actor: None })
    }
}

fn registries() -> Registries {
    let triggers = Registry::<dyn AnyTrigger>::default().with(Bell);
    Registries { triggers, ..Registries::default() }
}

pub(super) fn shelf() -> Shelf {
    let entry = |application: &str, config: &str| {
        let text = format!(
            "version: 1\nname: {PIPELINE}\napplication: {application}\ntriggers: [{{bell: {config}}}]\nstages: {{}}\n"
        );
        let file = SourceFile::new("p.yaml", text.as_bytes());
        let outline = Outline::of(&file, &Pipeline::read(&file, &registries()));
        // There are no stage types here, so every stage is at fault: the triggers alone matter.
        let outline = Arc::new(Outline { faults: Vec::new(), ..outline });
        let source: Arc<str> = Arc::from("folder");
        Entry::new((&source, "p.yaml"), (outline, Standing::Good), &registries(), None)
    };
    let mut entries: Vec<Entry> = LANES.iter().map(|lane| entry(lane, "{}")).collect();
    entries.push(entry("images", "{images: true}"));
    let shelf = Shelf::default();
    shelf.change(|catalogue| catalogue.put(&Arc::from("folder"), entries));
    shelf
}

/// The registry, and how it answers.
pub(super) struct Outside {
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    is_calm: bool,
    /// The version of each tag, from 1.
    tags: BTreeMap<&'static str, u64>,
    pushes: Vec<&'static str>,
    /// Those that a poll must find: the first one finds nothing, and says where to go on.
    due: BTreeSet<&'static str>,
}

impl Outside {
    pub(super) fn new(seed: u64) -> Outside {
        let tags = TAGS.map(|tag| (tag, 1)).into();
        let chance = Chance::new(seed ^ 0xfeed);
        let (pushes, due) = (Vec::new(), BTreeSet::new());
        let state = State { chance, is_calm: false, tags, pushes, due };
        Outside { state: Mutex::new(state) }
    }

    /// `since` when it is known where to go on, if it is.
    pub(super) fn push(&self, tag: &'static str, since: Option<&Mark>) {
        let mut state = self.state.lock().unwrap();
        *state.tags.get_mut(tag).unwrap() += 1;
        state.pushes.push(tag);
        if since.is_some() {
            state.due.insert(tag);
        }
    }

    pub(super) fn calm(&self) {
        self.state.lock().unwrap().is_calm = true;
    }

    /// Whether it is stored that a poll has found all there is.
    pub(super) fn is_told(&self, mark: Option<&Mark>) -> bool {
        let pushes = self.state.lock().unwrap().pushes.len().to_string();
        mark.is_some_and(|mark| mark.value == pushes)
    }

    /// The tags of pushes that must be found, each with its last digest.
    pub(super) fn pushed(&self) -> BTreeMap<&'static str, String> {
        let state = self.state.lock().unwrap();
        state.due.iter().map(|tag| (*tag, digest(state.tags[tag]))).collect()
    }

    /// Takes its time; sometimes it says nothing.
    async fn answers(&self) -> Result<(), Later> {
        let (time, answer) = {
            let mut state = self.state.lock().unwrap();
            let silent = state.chance.one_in(6) && !state.is_calm;
            let later = Later { reason: "it does not answer".to_owned(), after: None };
            (state.chance.below(300), if silent { Err(later) } else { Ok(()) })
        };
        tokio::time::sleep(Duration::from_millis(time)).await;
        answer
    }

    fn digest(&self, tag: &str) -> String {
        digest(self.state.lock().unwrap().tags[tag])
    }

    fn found(&self, cursor: Option<&Value>) -> Polled {
        let state = self.state.lock().unwrap();
        let end = state.pushes.len();
        let from =
            cursor.and_then(Value::as_u64).map_or(end, |from| usize::try_from(from).unwrap());
        let happenings = state.pushes[from..].iter().map(|tag| image(tag)).collect();
        Polled { happenings, cursor: json!(end), rest: Rest::None }
    }
}

fn digest(version: u64) -> String {
    format!("sha256:{version:064}")
}

pub(super) struct Places {
    pub(super) outside: Arc<Outside>,
}

impl Grounds for Places {
    fn confirm<'a>(&'a self, happening: &'a Happening) -> BoxFuture<'a, Result<Confirmed, Later>> {
        Box::pin(async move {
            self.outside.answers().await?;
            let mut happening = Box::new(happening.clone());
            if let Happening::Image(image) = &mut *happening {
                image.digest = image.tag.as_ref().map(|tag| self.outside.digest(tag));
                REPOSITORY.clone_into(&mut image.repository);
            }
            Ok(Confirmed::Yes { happening, own: Own::None })
        })
    }

    fn place(&self, happening: &Happening) -> IndexKey {
        match happening {
            Happening::Image(_) => IndexKey::Image { repository: REPOSITORY.to_owned() },
            Happening::Git(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => IndexKey::of(happening),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        let key = IndexKey::Image { repository: REPOSITORY.to_owned() };
        vec![Subject { key, interval: Interval(Duration::from_secs(2)), edition: Edition(0) }]
    }

    fn stands<'a>(&'a self, _: &'a Pinned) -> BoxFuture<'a, Stands> {
        Box::pin(async { Stands::Yes })
    }

    fn listing(&self) -> Listing {
        Listing::Whole
    }

    fn poll<'a>(
        &'a self,
        _: &'a Subject,
        cursor: Option<Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(async move {
            let answered = self.outside.answers().await;
            answered
                .map_err(|later| PollError::Later { reason: later.reason, after: later.after })?;
            Ok(self.outside.found(cursor.as_ref()))
        })
    }

    fn prepare<'a>(&'a self, wanted: Wanted) -> BoxFuture<'a, Result<NewRun, Unprepared>> {
        Box::pin(async move {
            self.outside.answers().await.map_err(Unprepared::Later)?;
            let id = id(&wanted.trigger).to_owned();
            let plan = match is_broken(&id) {
                true => broken(wanted.entry.application(), id),
                false => plan(wanted.entry.application()),
            };
            Ok(NewRun {
                plan: Arc::new(plan),
                trigger: wanted.trigger,
                actor: wanted.actor,
                ancestry: wanted.ancestry,
                parent: None,
                offers: Vec::new(),
                files: Vec::new(),
                key: Some(wanted.key),
            })
        })
    }
}

/// What a run is started for.
pub(super) fn id(trigger: &event::Trigger) -> &str {
    let event::Trigger::Event(fired) = trigger else { panic!("{trigger:?} is no event") };
    fired.fields["id"].as_str().unwrap()
}

/// Whether what a letter brings is broken.
pub(super) fn is_broken(id: &str) -> bool {
    id.strip_prefix("letter-").is_some_and(|number| number.parse::<u64>().unwrap() % 5 == 3)
}

/// A file that is broken at a commit, which is called as the letter is.
fn broken(application: &str, commit: String) -> Plan {
    let (repository, reference) = ("git.example.com/shop".to_owned(), "main".to_owned());
    Plan::broken(BrokenFile {
        application: application.to_owned(),
        pipeline: PIPELINE.to_owned(),
        path: "p.yaml".to_owned(),
        since: None,
        faults: vec!["E001 3:1 unknown key".to_owned()],
        origin: Some(Origin { repository, reference, commit, branches: Vec::new() }),
    })
    .unwrap()
}

/// One stage that does nothing.
fn plan(application: &str) -> Plan {
    let chance = &mut Chance::new(1);
    let attempts = vec![Attempt { moves: Vec::new(), end: End::Succeed }];
    let script = Script { attempts, held: Vec::new() };
    let node = Node {
        description: Some(serde_json::to_string(&script).unwrap()),
        config: Template::literal(&serde_json::to_value(&script).unwrap()),
        environment: None,
        effect: Effect::Reads,
        on_failure: OnFailure::Fail,
        when: None,
        reads: BTreeSet::new(),
        stage_type: "script".to_owned(),
        timeout: Timeout::Never,
        retry: Retry::default(),
        ..plans::node(chance, 0)
    };
    Plan::new(Document {
        application: application.to_owned(),
        concurrency: None,
        timeout: Timeout::Never,
        nodes: vec![node],
        ..plans::plan(chance, 1).document().clone()
    })
    .unwrap()
}
