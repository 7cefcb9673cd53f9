//! The plan of a person's way back: one stage, made and not written.

use super::{
    Callers, Document, Effect, FORMAT, GraphError, Node, OnFailure, OnTimeout, Place, Plan,
    ROLLBACK_PIPELINE, Timeout,
};
use crate::{
    Registry,
    execution::ROLLBACK,
    files::Files,
    retry::Retry,
    stage::{AnyStage, Fault},
    template::Template,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a way back may take in all.
const RUN_TIMEOUT: Timeout = Timeout::AfterMs(24 * 60 * 60 * 1_000);

/// What is to be brought back, and to where.
#[derive(Clone, Debug, PartialEq)]
pub struct WayBack {
    pub application: String,
    pub environment: String,
    /// The configuration of the stage type `rollback`.
    pub config: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WayBackError {
    #[error("this program knows no stage type `rollback`")]
    NoSuchStage,
    #[error("{}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Config(Vec<Fault>),
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Plan {
    /// The plan of a way back in the environment at `place`.
    ///
    /// # Errors
    ///
    /// When the configuration says something that cannot be.
    pub fn way_back(
        back: &WayBack,
        place: Place,
        registry: &Registry<dyn AnyStage>,
    ) -> Result<Plan, WayBackError> {
        let stage = registry.get(ROLLBACK).ok_or(WayBackError::NoSuchStage)?;
        let faults = stage.check(&back.config, &Files::default());
        if !faults.is_empty() {
            return Err(WayBackError::Config(faults));
        }
        let node = node(back, stage.traits().default_timeout);
        let document = Document {
            format: FORMAT,
            application: back.application.clone(),
            pipeline: ROLLBACK_PIPELINE.to_owned(),
            description: None,
            labels: BTreeMap::new(),
            callers: Callers::Repository,
            concurrency: None,
            timeout: RUN_TIMEOUT,
            parameters: BTreeMap::new(),
            environments: BTreeMap::from([(back.environment.clone(), place)]),
            observed: BTreeMap::new(),
            images: BTreeMap::new(),
            resolved: BTreeMap::new(),
            carried: BTreeMap::new(),
            nodes: vec![node],
            callees: BTreeMap::new(),
            source: None,
            origin: None,
            broken: None,
        };
        Ok(Plan::new(document)?)
    }
}

fn node(back: &WayBack, timeout: Timeout) -> Node {
    Node {
        id: ROLLBACK.to_owned(),
        name: ROLLBACK.to_owned(),
        description: None,
        stage_type: ROLLBACK.to_owned(),
        needs: Vec::new(),
        matrix: None,
        when: None,
        reads: BTreeSet::new(),
        environment: Some(back.environment.clone()),
        timeout,
        retry: Retry::default(),
        on_failure: OnFailure::Fail,
        on_timeout: OnTimeout::Fail,
        effect: Effect::Writes,
        config: Template::literal(&back.config),
        files: BTreeMap::new(),
        patterns: BTreeMap::new(),
    }
}
