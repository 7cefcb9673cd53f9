//! A pipeline on its way to an engine: read and checked where its author is, compiled again where
//! it runs.

use crate::{
    callees::{self, Beside, Kept, Neighbours},
    check,
    clusters::Reach,
    read,
    read::Located,
    registries, secrets,
};
use engine_api::{Back, Begun, Checked, NotBegun, Repeat, Starter, Submission};
use engine_core::{
    BoxFuture, Pipeline, Plan,
    diagnostic::{self, Code, Diagnostic, SourceFile},
    event::{Actor, Offer, Trigger},
    expression::remembering,
    files::{File, FileRequest, Files, Found},
    id::{BlobName, RunId},
    latest::Latest,
    pipeline::{Bindings, Given, Missing},
    plan::{self, Environments},
    platform::{Platform, repository_key},
};
use engine_runtime::{
    engine::{Engine, NewRun, StartError, Started},
    seal::Sealer,
    secrets::Secrets,
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// The submission of a file that is valid as far as can be told from here. Its warnings are told.
pub(crate) fn submission(
    located: &Located,
    (bindings, reach): (&Bindings, &Reach),
) -> Result<Submission, Vec<Diagnostic>> {
    remembering(|| submitted(located, (bindings, reach)))
}

fn submitted(
    located: &Located,
    (bindings, reach): (&Bindings, &Reach),
) -> Result<Submission, Vec<Diagnostic>> {
    let registry = reach.offline();
    let pipeline = Pipeline::read(&located.source, &registry).bound(bindings);
    let requests = pipeline.files(&registry);
    let name = |content: &[u8]| BlobName(hex::encode(Sha256::digest(content)));
    let left = read::Allowance::default();
    let files = read::files(&located.root, &requests, (name, &left));
    if let Err(faults) = Plan::compile(&pipeline, &reach.unasked(), &registry, &files) {
        // What the platform knows and grants is what the engine's own file says.
        let is_engines = |fault: &Diagnostic| matches!(fault.code, Code::E007 | Code::E019);
        if !faults.iter().all(is_engines) {
            return Err(faults);
        }
    }
    check::tell(located, &pipeline.warnings(&reach.unasked()));
    let called = callees::beside(located, (&registry, &name))?;
    let own = requests.into_iter().map(|request| (request, &files));
    let theirs = called.values().flat_map(|it| it.requests.iter().cloned().map(|r| (r, &it.files)));
    let (mut patterns, mut texts) = (BTreeMap::new(), BTreeMap::new());
    for (request, files) in own.chain(theirs) {
        if let Found::Paths(paths) = files.found(&request.pattern) {
            let text = |path: &String| Some((path.clone(), files.file(path)?.content.clone()));
            let found = paths.iter().filter_map(text);
            texts.extend(
                found.map(|(path, content)| (path, String::from_utf8_lossy(&content).into_owned())),
            );
            patterns.insert(request.pattern, paths);
        }
    }
    Ok(Submission {
        name: located.source.path().to_owned(),
        source: located.source.text().to_owned(),
        parameters: pipeline.values().clone(),
        patterns,
        files: texts,
        pipelines: called
            .values()
            .map(|it| (it.source.path().to_owned(), it.source.text().to_owned()))
            .collect(),
    })
}

/// What image references stand for when a run starts.
pub(crate) enum Images {
    /// What their registries say now.
    Asked,
    /// What they stood for when an earlier run started.
    As(BTreeMap<String, String>),
}

/// Where a file comes from, by which the platform says what it may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of<'a> {
    /// Somebody's own disk: what they may do is up to them.
    Anybody,
    /// A source, by its name; one that the platform has no more has nothing.
    Source(&'a str),
    /// A plain folder that is a source.
    Folder(&'a str),
    /// The same, by the key of its repository.
    Repository(&'a str),
}

impl<'a> Of<'a> {
    /// Where the file of a run comes from that starts or has started another one.
    pub(crate) fn origin(of: &'a Plan) -> Of<'a> {
        match (&of.document().origin, of.folder()) {
            (Some(origin), _) => Of::Repository(&origin.repository),
            (None, Some(folder)) => Of::Folder(folder),
            (None, None) => Of::Anybody,
        }
    }

    /// What a plan is to remember of it.
    fn folder(self) -> Option<String> {
        match self {
            Of::Folder(name) => Some(name.to_owned()),
            Of::Anybody | Of::Source(_) | Of::Repository(_) => None,
        }
    }

    fn environments(self, all: Environments, platform: &Platform) -> Environments {
        let sources = platform.sources();
        let number = match self {
            Of::Anybody => return all,
            Of::Source(name) | Of::Folder(name) => sources.iter().position(|it| it.name() == name),
            Of::Repository(key) => sources.iter().position(|it| repository_key(it.name()) == key),
        };
        all.of_source(number.unwrap_or(usize::MAX))
    }
}

/// Starts what was submitted, on the clusters of this process.
pub(crate) struct Submitted {
    pub(crate) reach: Latest<Reach>,
    pub(crate) secrets: Secrets,
    /// Files as they were read, by their content: one that is started often is read once.
    read: Mutex<HashMap<[u8; 32], Arc<Pipeline>>>,
}

/// Files that are remembered.
const REMEMBERED: usize = 128;

impl Submitted {
    pub(crate) fn on(reach: Reach) -> Submitted {
        let (secrets, reach) = (secrets::of(&reach), Latest::new(reach));
        Submitted { secrets, reach, read: Mutex::default() }
    }
}

impl Starter for Submitted {
    fn start<'a>(
        &'a self,
        engine: &'a Engine,
        submission: Submission,
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Begun, NotBegun>> {
        Box::pin(self.started(engine, submission, by))
    }

    fn repeat<'a>(
        &'a self,
        engine: &'a Engine,
        (run, how): (RunId, Repeat),
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Begun, NotBegun>> {
        match how {
            Repeat::Rerun { parameters } => Box::pin(self.rerun(engine, (run, parameters), by)),
            Repeat::Retry { moved_on } => Box::pin(self.retry(engine, (run, moved_on), by)),
        }
    }

    fn roll_back<'a>(
        &'a self,
        engine: &'a Engine,
        back: Back,
        by: (Actor, String),
    ) -> BoxFuture<'a, Result<Vec<Begun>, NotBegun>> {
        Box::pin(self.taken_back(engine, back, by))
    }

    fn check(&self, submission: Submission, by: &Actor) -> Checked {
        let source = SourceFile::new(submission.name.clone(), submission.source.as_bytes());
        let files = files(&submission, |content| BlobName(hex::encode(Sha256::digest(content))));
        let bindings = bindings(submission.parameters, by, Missing::Tolerated);
        let invalid = |diagnostics| Checked::Invalid { diagnostics };
        let (reach, none) = (self.reach.now(), BTreeMap::new());
        match self.compile((&source, &files), (&bindings, &none), &reach.unasked()) {
            Ok((plan, warnings)) => match serde_json::to_value(plan.document()) {
                Ok(plan) => Checked::Plan { plan, warnings },
                Err(error) => invalid(vec![serde_json::json!({ "message": error.to_string() })]),
            },
            Err(diagnostics) => invalid(diagnostics),
        }
    }

    fn schema(&self) -> serde_json::Value {
        engine_core::language::published_schema(&self.reach.now().offline())
    }
}

fn bindings(
    parameters: BTreeMap<String, serde_json::Value>,
    by: &Actor,
    missing: Missing,
) -> Bindings {
    let given = parameters.into_iter().map(|(id, value)| (id, Given::Typed(value)));
    let (parameters, actor) = (given.collect(), by.name.clone());
    Bindings { parameters, actor, trigger: Trigger::Manual, missing, origin: None }
}

impl Submitted {
    async fn started(
        &self,
        engine: &Engine,
        submission: Submission,
        (actor, key): (Actor, String),
    ) -> Result<Begun, NotBegun> {
        let source = SourceFile::new(submission.name.clone(), submission.source.as_bytes());
        let files = files(&submission, |content| engine.sealer().name(content));
        let person = self.reach.now().found.platform.person(actor.clone());
        let bindings = bindings(submission.parameters, &person, Missing::Refused);
        let plan =
            self.compiled((&source, &files), &bindings, (Images::Asked, Of::Anybody)).await?;
        let called = self.handed_in((&source, &files), &submission.pipelines)?;
        let ready = ready(engine.sealer(), (plan, &files), (&source, Vec::new()));
        let ready = ready.calling(callees::kept(engine.sealer(), called));
        begin(engine, (ready, Trigger::Manual, Vec::new()), (actor, key)).await
    }

    /// The pipelines that a file's stages start, among those that were handed in with it.
    fn handed_in(
        &self,
        (source, files): (&SourceFile, &Files),
        pipelines: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Beside>, NotBegun> {
        let sources = || {
            let source = |(path, text): (&String, &String)| SourceFile::new(path, text.as_bytes());
            pipelines.iter().map(source).collect()
        };
        let read = |_: &[_]| files.clone();
        let registry = self.reach.now().registry();
        let neighbours = Neighbours { registry: &registry, sources: &sources, read: &read };
        callees::closure(source, &neighbours).map_err(|faults| {
            let told = diagnostic::json(source, &faults);
            let told = told.iter().filter_map(|fault| serde_json::to_value(fault).ok());
            NotBegun::Invalid { diagnostics: told.collect() }
        })
    }

    /// The files that a pipeline wants to read, with what is known at its start.
    pub(crate) fn requests(&self, source: &SourceFile, bindings: &Bindings) -> Vec<FileRequest> {
        let registry = self.reach.now().registry();
        Pipeline::clone(&self.read(source)).bound(bindings).files(&registry)
    }

    /// A file as it is written, without any values.
    pub(crate) fn read(&self, source: &SourceFile) -> Arc<Pipeline> {
        let mut digest = Sha256::new_with_prefix(source.path().as_bytes());
        digest.update([0]);
        digest.update(source.text().as_bytes());
        let key: [u8; 32] = digest.finalize().into();
        let known = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = known().get(&key) {
            return pipeline.clone();
        }
        let pipeline = Arc::new(Pipeline::read(source, &self.reach.now().registry()));
        let mut known = known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, pipeline.clone());
        pipeline
    }

    /// What a file would come to, as far as can be told without asking anybody.
    pub(crate) fn unasked(
        &self,
        (source, files): (&SourceFile, &Files),
        bindings: &Bindings,
        of: Of<'_>,
    ) -> Result<Plan, NotBegun> {
        let (reach, none) = (self.reach.now(), BTreeMap::new());
        let unasked = of.environments(reach.unasked(), &reach.found.platform);
        let compiled = self.compile((source, files), (bindings, &none), &unasked);
        let invalid = |diagnostics| NotBegun::Invalid { diagnostics };
        compiled.map(|(plan, _)| plan).map_err(invalid)
    }

    /// The plan of a file; a cluster is asked only if some stage acts on one.
    pub(crate) async fn compiled(
        &self,
        made_of: (&SourceFile, &Files),
        bindings: &Bindings,
        (images, of): (Images, Of<'_>),
    ) -> Result<Plan, NotBegun> {
        let plan = self.unasked(made_of, bindings, of)?;
        self.asked(plan, (made_of, bindings), (images, of)).await
    }

    /// The same of what was compiled without asking anybody.
    pub(crate) async fn asked(
        &self,
        plan: Plan,
        ((source, files), bindings): ((&SourceFile, &Files), &Bindings),
        (images, of): (Images, Of<'_>),
    ) -> Result<Plan, NotBegun> {
        let invalid = |diagnostics| NotBegun::Invalid { diagnostics };
        let reach = self.reach.now();
        let of_source = |all| of.environments(all, &reach.found.platform);
        let digests = match images {
            Images::Asked => registries::digests(&reach.registries, &plan).await,
            Images::As(digests) => digests,
        };
        if plan.places().next().is_none() && digests.is_empty() {
            return Ok(plan);
        }
        let asked = reach.environments(plan.places()).await;
        let asked = asked.map_err(|error| unavailable(format!("{error:#}")))?;
        let plan = self.compile((source, files), (bindings, &digests), &of_source(asked));
        plan.map(|(plan, _)| plan).map_err(invalid)
    }

    /// A plan, and what is probably not meant in its file; or all that is to be said of it.
    fn compile(
        &self,
        (source, files): (&SourceFile, &Files),
        (bindings, digests): (&Bindings, &BTreeMap<String, String>),
        environments: &Environments,
    ) -> Result<(Plan, Vec<serde_json::Value>), Vec<serde_json::Value>> {
        let registry = self.reach.now().registry();
        let told = |said: &[Diagnostic]| {
            let said = diagnostic::json(source, said);
            said.iter().filter_map(|it| serde_json::to_value(it).ok()).collect()
        };
        remembering(|| {
            let pipeline = Pipeline::clone(&self.read(source));
            let pipeline = pipeline.with_digests(digests.clone()).bound(bindings);
            let environments = secrets::checked(environments, (&pipeline, &self.secrets));
            match Plan::compile(&pipeline, &environments, &registry, files) {
                Ok(plan) => Ok((plan, told(&pipeline.warnings(&self.reach.now().unasked())))),
                Err(faults) => Err(told(&faults)),
            }
        })
    }
}

/// A plan that is ready to start, and what is kept with its run.
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    pub(crate) files: Vec<(BlobName, Arc<[u8]>)>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Ready {
    /// The same, where image references stand for what they stood for in an earlier run.
    pub(crate) fn carrying(mut self, images: BTreeMap<String, String>) -> Ready {
        self.plan = Arc::new(Arc::unwrap_or_clone(self.plan).carrying(images));
        self
    }

    /// The same, of a file that comes from there.
    pub(crate) fn coming(mut self, of: Of<'_>) -> Ready {
        self.plan = Arc::new(Arc::unwrap_or_clone(self.plan).lying_in(of.folder()));
        self
    }

    /// The same, keeping the pipelines that its stages start.
    pub(crate) fn calling(mut self, Kept { callees, contents }: Kept) -> Ready {
        self.plan = Arc::new(Arc::unwrap_or_clone(self.plan).calling(callees));
        self.files.extend(contents);
        self
    }
}

/// Keeps the pipeline file beside the files that it names, so that the run can be repeated.
pub(crate) fn ready(
    sealer: &Sealer,
    (plan, files): (Plan, &Files),
    (source, warnings): (&SourceFile, Vec<Diagnostic>),
) -> Ready {
    let text: Arc<[u8]> = Arc::from(source.text().as_bytes());
    let (name, kept) = (source.path().to_owned(), sealer.name(&text));
    let mut files = content(&plan, files);
    files.push((kept.clone(), text));
    Ready {
        plan: Arc::new(plan.made_of(plan::Source { name, content: kept, folder: None })),
        files,
        warnings,
    }
}

pub(crate) async fn begin(
    engine: &Engine,
    (ready, trigger, offers): (Ready, Trigger, Vec<Offer>),
    (actor, key): (Actor, String),
) -> Result<Begun, NotBegun> {
    let new = NewRun {
        files: ready.files,
        plan: ready.plan,
        trigger,
        actor,
        ancestry: Vec::new(),
        parent: None,
        offers,
        key: Some(key),
    };
    start(engine, new).await
}

pub(crate) async fn start(engine: &Engine, new: NewRun) -> Result<Begun, NotBegun> {
    let pipeline = new.plan.document().pipeline.clone();
    match engine.start(new).await {
        Ok(Started::New { run, number }) => {
            Ok(Begun { run, label: format!("{pipeline}#{number}") })
        }
        Ok(Started::Before { run }) => Ok(Begun { run, label: pipeline }),
        Err(
            error @ (StartError::Plan(_)
            | StartError::Store(_)
            | StartError::IdTaken
            | StartError::Leaving),
        ) => Err(unavailable(error.to_string())),
        Err(error @ StartError::QueueFull { .. }) => {
            Err(NotBegun::Full { reason: error.to_string() })
        }
        Err(StartError::NotAllowed(reason)) => Err(NotBegun::Refused { reason }),
    }
}

/// The content of every file that the plan names.
fn content(plan: &Plan, files: &Files) -> Vec<(BlobName, Arc<[u8]>)> {
    let paths = plan.nodes().iter().flat_map(|node| node.files.keys());
    let found = paths.filter_map(|path| files.file(path));
    found.map(|file| (file.name.clone(), file.content.clone())).collect()
}

fn files(submission: &Submission, name: impl Fn(&[u8]) -> BlobName) -> Files {
    let mut files = Files::default();
    for (path, text) in &submission.files {
        let content: Arc<[u8]> = Arc::from(text.as_bytes());
        files.insert_file(path.clone(), File { name: name(&content), content });
    }
    for (pattern, paths) in &submission.patterns {
        let is_there = |path: &String| submission.files.contains_key(path);
        let found = match paths.is_empty() || !paths.iter().all(is_there) {
            true => Found::Nothing { reason: "it was not handed in".to_owned() },
            false => Found::Paths(paths.clone()),
        };
        files.insert_answer(pattern.clone(), found);
    }
    files
}

pub(crate) fn unavailable(reason: String) -> NotBegun {
    NotBegun::Unavailable { reason }
}

/// The id and the label that an engine answered with.
pub(crate) fn begun(answer: &serde_json::Value) -> anyhow::Result<(RunId, String)> {
    let label = answer["label"].as_str().unwrap_or("the run").to_owned();
    Ok((crate::client::run_id(answer)?, label))
}
