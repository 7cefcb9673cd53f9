//! Where a stage acts: the cluster of its environment, once it is sure to be the planned one.

use crate::ground::{Ground, acting};
use engine_core::{
    clock::{Civil, Moment},
    latest::Latest,
    plan::{ClusterIdentity, Place},
    platform::{Confines, Platform, RulesText},
    revision::{Revision, Target},
    stage::{ObjectKey, Record, StageError, Step, StepContext, WaitReason, Wake},
    status::WaitKind,
};
use kubernetes::{
    Cluster, ClusterError, Marks,
    marks::{Owner, Writer},
    watch::Look,
};
use std::{sync::Arc, time::Duration};

/// What a step needs to act on a cluster.
pub(crate) struct Site<'a> {
    pub(crate) context: &'a StepContext,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) place: &'a Place,
    pub(crate) target: &'a Target,
    pub(crate) confines: Confines,
    /// What guards the environment now.
    pub(crate) rules: Option<RulesText>,
    /// By which the case is judged once more, right before anything is written.
    pub(crate) platform: Latest<Platform>,
}

/// Why a step cannot go on.
#[derive(Debug)]
pub(crate) enum Trouble {
    Stage(StageError),
    /// The cluster does not answer: the same step will be tried again.
    Away(String),
}

impl From<StageError> for Trouble {
    fn from(error: StageError) -> Trouble {
        Trouble::Stage(error)
    }
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Trouble {
        match error {
            ClusterError::Unreachable { .. }
            | ClusterError::OutcomeUnknown { .. }
            | ClusterError::Changed(_) => Trouble::Away(error.to_string()),
            ClusterError::Unauthorized { .. } => StageError::Error(error.to_string()).into(),
            ClusterError::Conflict(_) | ClusterError::NotFound(_) | ClusterError::Refused(_) => {
                StageError::Failure(error.to_string()).into()
            }
        }
    }
}

impl<'a> Site<'a> {
    /// Finds the planned cluster. Another one behind the same name is refused before any write, and
    /// so is an environment that the platform does not have there any more.
    pub(crate) async fn open(
        ground: &Ground,
        context: &'a StepContext,
    ) -> Result<Site<'a>, Trouble> {
        let defect = |message: &str| StageError::Defect(message.to_owned());
        let (Some(place), Some(target)) = (&context.place, &context.target) else {
            return Err(defect("the plan does not say where this stage acts").into());
        };
        let (confines, rules) = ground.confines(target, place)?;
        let cluster = ground.clusters.get(&place.cluster).ok_or_else(|| {
            let name = &place.cluster;
            Trouble::Away(format!(
                "cluster `{name}` is not known here: start with a kubeconfig and --context that \
                 lead to it"
            ))
        })?;
        match &place.identity {
            ClusterIdentity::Pinned { uid } => confirm(&cluster, uid, place).await?,
            ClusterIdentity::Unread => {
                return Err(defect("the plan was made without asking the cluster").into());
            }
        }
        let cluster = acting(cluster, &confines)?;
        let platform = ground.platform.clone();
        Ok(Site { context, cluster, place, target, confines, rules, platform })
    }

    /// The marks of this attempt on objects of `component`.
    pub(crate) fn marks(&self, component: &str) -> Marks {
        let owner = Owner {
            application: self.target.application.clone(),
            environment: self.target.environment.clone(),
            component: component.to_owned(),
        };
        Marks { owner, writer: self.writer() }
    }

    pub(crate) fn writer(&self) -> Writer {
        let identity = &self.context.identity;
        Writer {
            run: identity.run.to_string(),
            stage: identity.stage.clone(),
            attempt: identity.attempt,
            epoch: identity.epoch.0,
        }
    }

    pub(crate) async fn revisions(&self) -> Result<Vec<Revision>, StageError> {
        let revisions = self.context.services.revisions(self.target).await;
        revisions.map_err(|error| StageError::Error(error.to_string()))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.context.now.civil.0
    }

    /// The step after this one, at once.
    pub(crate) fn next<P>(&self, progress: P, detail: String) -> Step<P> {
        let at = Moment::Elapsed(self.context.now.elapsed);
        let wake = Wake { at: Some(at), objects: Vec::new() };
        let reason = WaitReason { kind: WaitKind::Readiness, detail };
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    /// The step after this one, once what image references stand for is recorded.
    pub(crate) fn recording<P>(&self, progress: P, records: Vec<Record>) -> Step<P> {
        let at = Some(Moment::Elapsed(self.context.now.elapsed));
        let detail = "images are known by their digests".to_owned();
        let reason = WaitReason { kind: WaitKind::Readiness, detail };
        Step::Wait { progress, wake: Wake { at, objects: Vec::new() }, reason, records }
    }

    /// A wait for what was looked at to change, or for `at`.
    pub(crate) fn watching<P>(
        &self,
        look: &Look,
        (at, detail): (Option<Moment>, String),
        progress: P,
    ) -> Step<P> {
        let key = format!("{}|{}", self.cluster.name(), look.key);
        let wake = Wake { at, objects: vec![ObjectKey { key, position: look.position }] };
        let reason = self.reason(look, detail);
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    /// What a wait for objects is for: while the cluster cannot be read, `detail` is what was seen last.
    pub(crate) fn reason(&self, look: &Look, detail: String) -> WaitReason {
        let Some(reason) = &look.away else {
            return WaitReason { kind: WaitKind::Readiness, detail };
        };
        let cluster = self.cluster.name();
        let detail = format!("cluster `{cluster}` cannot be reached: {reason}");
        WaitReason { kind: WaitKind::Cluster, detail }
    }
}

/// A wait for a cluster that does not answer.
pub(crate) fn away<P>(
    context: &StepContext,
    (pause, detail): (Duration, String),
    progress: P,
) -> Step<P> {
    let at = Moment::Elapsed(context.now.elapsed.plus(pause));
    let reason = WaitReason { kind: WaitKind::Cluster, detail };
    let wake = Wake { at: Some(at), objects: Vec::new() };
    Step::Wait { progress, wake, reason, records: Vec::new() }
}

/// A civil instant as a wake.
pub(crate) fn civil(at_ms: u64) -> Moment {
    Moment::Civil(Civil(at_ms))
}

async fn confirm(cluster: &Cluster, planned: &str, place: &Place) -> Result<(), Trouble> {
    let found = cluster.uid().await?;
    if found == planned {
        return Ok(());
    }
    let Place { cluster, context, .. } = place;
    Err(StageError::Failure(format!(
        "cluster `{cluster}` (context `{context}`) is another one than when this run was planned: \
         its kube-system uid is {found} and was {planned}; nothing was written"
    ))
    .into())
}
