//! Runs that stages start: once for each attempt, whatever happens in between.

use crate::{
    engine::{NewRun, StartError, Started, Starting},
    services::Backing,
    supervisor::Order,
};
use engine_core::{
    BoxFuture, Plan,
    event::{Actor, Message, Parent, Trigger},
    id::{Resource, RunId},
    plan::NodeIndex,
    stage::{Child, ChildError, ChildRequest, Ending, Identity, Services},
    store::{Request, Store, StoreError, Submitted},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, Weak},
};

/// How far runs may start runs.
const DEEPEST: usize = 8;

/// Makes plans of the pipelines that stages start. Only the program knows the stage types.
///
/// # Contract
///
/// It may take as long as a cluster takes to say who it is. The files of the plan are kept already.
pub trait Children: Send + Sync + 'static {
    fn plan<'a>(&'a self, call: PlanCall<'a>) -> BoxFuture<'a, Result<Plan, ChildError>>;
}

/// Of an engine whose stages start nothing.
pub struct NoChildren;

impl Children for NoChildren {
    fn plan<'a>(&'a self, call: PlanCall<'a>) -> BoxFuture<'a, Result<Plan, ChildError>> {
        let reason = format!("`{}` is started by an engine that drives runs", call.key);
        Box::pin(async move { Err(ChildError::Unavailable(reason)) })
    }
}

/// A pipeline that a stage starts.
pub struct PlanCall<'a> {
    /// The plan of the run that starts it: it keeps the other's file.
    pub parent: &'a Plan,
    /// `payments/schema-change`.
    pub key: String,
    pub parameters: BTreeMap<String, Value>,
    pub actor: &'a Actor,
    /// Reads what is kept.
    pub services: &'a dyn Services,
}

/// How calls reach what begins runs; empty until the engine stands.
pub(crate) type Door = Arc<OnceLock<Weak<Starting>>>;

/// The run in whose name a stage starts others.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) plan: Arc<Plan>,
    pub(crate) node: NodeIndex,
    pub(crate) identity: Identity,
    pub(crate) label: String,
    pub(crate) actor: Actor,
    pub(crate) ancestry: Vec<RunId>,
    pub(crate) parent: Option<Parent>,
    pub(crate) children: Arc<dyn Children>,
    pub(crate) door: Door,
}

impl Caller {
    pub(crate) fn key(&self) -> String {
        let Identity { run, stage, attempt, .. } = &self.identity;
        format!("child:{run}/{stage}/{attempt}")
    }

    fn starting(&self) -> Result<Arc<Starting>, ChildError> {
        self.door.get().and_then(Weak::upgrade).ok_or(ChildError::Leaving)
    }

    pub(crate) async fn start(
        &self,
        (backing, services): (&Backing, &dyn Services),
        request: ChildRequest,
    ) -> Result<Child, ChildError> {
        if let Some(run) = backing.store.started(&self.key()).await.map_err(unavailable)? {
            return child(backing, run).await;
        }
        let application = request.application.clone();
        let application = application.unwrap_or_else(|| self.identity.application.clone());
        let key = format!("{application}/{}", request.pipeline);
        let ancestry = self.ancestry(backing, &key).await?;
        let (parent, actor) = (&*self.plan, &self.actor);
        let parameters = request.parameters;
        let call = PlanCall { parent, key, parameters, actor, services };
        let plan = Arc::new(self.children.plan(call).await?);
        let called = plan.document();
        let wanted = (called.application.as_str(), called.pipeline.as_str());
        let caller = &self.identity.application;
        called.callers.admit(caller, wanted).map_err(ChildError::Refused)?;
        let new = NewRun {
            plan,
            trigger: Trigger::Pipeline,
            actor: self.actor.clone(),
            ancestry,
            parent: Some(self.as_parent(request.ending)),
            offers: Vec::new(),
            files: Vec::new(),
            key: Some(self.key()),
        };
        match self.starting()?.start_child(new).await {
            Ok(Started::New { run, .. } | Started::Before { run }) => child(backing, run).await,
            Err(StartError::Leaving) => Err(ChildError::Leaving),
            Err(error @ StartError::NotAllowed(_)) => Err(ChildError::Refused(error.to_string())),
            Err(
                error @ (StartError::Plan(_)
                | StartError::Store(_)
                | StartError::QueueFull { .. }
                | StartError::IdTaken),
            ) => Err(ChildError::Unavailable(error.to_string())),
        }
    }

    /// The runs that led here and this one; a pipeline that is among them is a ring.
    async fn ancestry(&self, backing: &Backing, wanted: &str) -> Result<Vec<RunId>, ChildError> {
        let mut ancestry = self.ancestry.clone();
        ancestry.push(self.identity.run);
        match lineage(&*backing.store, &ancestry, wanted).await.map_err(unavailable)? {
            Lineage::Open => Ok(ancestry),
            Lineage::Closed(reason) => Err(ChildError::Refused(reason)),
        }
    }

    fn as_parent(&self, ending: Ending) -> Parent {
        let (run, stage) = (self.identity.run, self.identity.stage.clone());
        let (family, keeps) = match ending {
            Ending::Unattended => (Vec::new(), Vec::new()),
            Ending::Awaited => {
                let before = self.parent.iter().flat_map(|it| it.family.iter().copied());
                (before.chain([run]).collect(), self.keeps())
            }
        };
        Parent { run, label: self.label.clone(), stage, family, keeps }
    }

    /// What is not given back before the child's end: the targets that this stage, or one
    /// downstream of it, names, and the run's own place in its group and among its application's.
    fn keeps(&self) -> Vec<Resource> {
        let slot = self.plan.slot();
        let slot = slot.iter().flat_map(|slot| [slot.resource(), slot.room()]);
        let inherited = self.parent.iter().flat_map(|it| it.keeps.iter().cloned());
        let targets = self.plan.targets_downstream(self.node).into_iter();
        targets.map(|target| target.resource()).chain(slot).chain(inherited).collect()
    }

    /// Asks the child to end, once however often it is said.
    pub(crate) async fn cancel(&self, backing: &Backing, run: RunId) -> Result<Child, ChildError> {
        let child = child(backing, run).await?;
        if child.status.has_ended() {
            return Ok(child);
        }
        let message = Message::ParentEnded { by: self.label.clone() };
        let (key, at) = ("parent ended".to_owned(), backing.clock.now());
        let request = Request { run, key, message, at };
        match backing.store.submit(request).await.map_err(unavailable)? {
            Submitted::NoRun => {}
            Submitted::Written(_) | Submitted::Repeated(_) => {
                self.starting()?.supervisor.order(Order::Wake(vec![run]));
            }
        }
        Ok(child)
    }
}

/// Whether a pipeline may be started by the last of these runs.
pub(crate) enum Lineage {
    Open,
    /// The fragment says why not.
    Closed(String),
}

/// A pipeline that is among those that led here is a ring.
pub(crate) async fn lineage(
    store: &dyn Store,
    ancestry: &[RunId],
    wanted: &str,
) -> Result<Lineage, StoreError> {
    if ancestry.len() > DEEPEST {
        return Ok(Lineage::Closed(format!("runs start runs at most {DEEPEST} deep")));
    }
    let mut path = Vec::new();
    for run in ancestry {
        let summary = store.gate(*run).await?.map(|gate| gate.summary);
        let name = summary.map(|it| format!("{}/{}", it.application, it.pipeline));
        path.push(name.unwrap_or_default());
    }
    if !path.iter().any(|name| name == wanted) {
        return Ok(Lineage::Open);
    }
    path.push(wanted.to_owned());
    Ok(Lineage::Closed(format!("pipelines start each other in a ring: {}", path.join(" -> "))))
}

pub(crate) async fn child(backing: &Backing, run: RunId) -> Result<Child, ChildError> {
    let gate = backing.store.gate(run).await.map_err(unavailable)?;
    let gone = || ChildError::Refused(format!("the run {run} that was started is gone"));
    let summary = gate.ok_or_else(gone)?.summary;
    Ok(Child { run, label: summary.label(), status: summary.status })
}

pub(crate) fn unavailable(error: StoreError) -> ChildError {
    ChildError::Unavailable(error.to_string())
}
