//! Who follows whom, by index, so that one event costs what its neighbours cost.

use super::Node;
use petgraph::{algo::tarjan_scc, stable_graph::StableDiGraph, visit::EdgeRef};
use std::collections::{BTreeMap, BTreeSet};

/// A node's place in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// A node that needs another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependent {
    pub node: NodeIndex,
    /// Which of its needs that is.
    pub need: usize,
}

/// What can be asked of the nodes without looking at all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    positions: BTreeMap<String, NodeIndex>,
    dependents: Vec<Vec<Dependent>>,
    environments: BTreeMap<String, Vec<NodeIndex>>,
    matrices: BTreeMap<String, Vec<NodeIndex>>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("node `{node}` stands twice")]
    Repeated { node: String },
    #[error("node `{node}` needs `{missing}`, which does not stand before it")]
    Missing { node: String, missing: String },
    #[error("nodes need each other in a ring: {}", ring.join(" -> "))]
    Ring { ring: Vec<String> },
}

impl Graph {
    /// Reads the graph off nodes that stand in order.
    pub fn of(nodes: &[Node]) -> Result<Graph, GraphError> {
        let mut graph = Graph {
            positions: BTreeMap::new(),
            dependents: vec![Vec::new(); nodes.len()],
            environments: BTreeMap::new(),
            matrices: BTreeMap::new(),
        };
        for (position, node) in nodes.iter().enumerate() {
            graph.add(NodeIndex(position), node)?;
        }
        Ok(graph)
    }

    pub fn index(&self, id: &str) -> Option<NodeIndex> {
        self.positions.get(id).copied()
    }

    /// The nodes that need `index`.
    pub fn dependents(&self, index: NodeIndex) -> &[Dependent] {
        &self.dependents[index.0]
    }

    /// The nodes that name `environment`.
    pub fn in_environment(&self, environment: &str) -> &[NodeIndex] {
        self.environments.get(environment).map_or(&[], Vec::as_slice)
    }

    /// The nodes of a stage with a matrix.
    pub fn cells(&self, stage: &str) -> &[NodeIndex] {
        self.matrices.get(stage).map_or(&[], Vec::as_slice)
    }

    /// Everything that needs one of `from`, however far away, and `from` itself.
    pub fn downstream(&self, from: NodeIndex) -> BTreeSet<NodeIndex> {
        let mut found = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(index) = open.pop() {
            let next = self.dependents(index).iter().map(|dependent| dependent.node);
            open.extend(next.filter(|next| found.insert(*next)));
        }
        found
    }

    fn add(&mut self, index: NodeIndex, node: &Node) -> Result<(), GraphError> {
        for (position, need) in node.needs.iter().enumerate() {
            let Some(needed) = self.index(&need.stage) else {
                let (node, missing) = (node.id.clone(), need.stage.clone());
                return Err(GraphError::Missing { node, missing });
            };
            self.dependents[needed.0].push(Dependent { node: index, need: position });
        }
        if let Some(environment) = &node.environment {
            self.environments.entry(environment.clone()).or_default().push(index);
        }
        if let Some(cell) = &node.matrix {
            self.matrices.entry(cell.stage.clone()).or_default().push(index);
        }
        match self.positions.insert(node.id.clone(), index) {
            None => Ok(()),
            Some(_) => Err(GraphError::Repeated { node: node.id.clone() }),
        }
    }
}

/// Sorts nodes so that each follows what it needs; nodes that are free of each other keep the
/// order in which they were written.
pub(super) fn in_order(nodes: Vec<Node>) -> Result<Vec<Node>, GraphError> {
    let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let needs: Vec<Vec<&str>> = nodes
        .iter()
        .map(|node| node.needs.iter().map(|need| need.stage.as_str()).collect())
        .collect();
    let order = order(&ids, &needs)?;
    let mut slots: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|position| slots[position].take()).collect())
}

/// The positions of `ids` in an order in which each follows its `needs`. Needs that name nothing
/// are passed over here: they are somebody else's fault to tell.
pub fn order(ids: &[&str], needs: &[Vec<&str>]) -> Result<Vec<usize>, GraphError> {
    let positions: BTreeMap<&str, usize> =
        ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let needed: Vec<Vec<usize>> = needs
        .iter()
        .map(|needs| needs.iter().filter_map(|need| positions.get(need).copied()).collect())
        .collect();
    let mut dependents = vec![Vec::new(); ids.len()];
    let mut unmet: Vec<usize> = needed.iter().map(Vec::len).collect();
    for (node, needs) in needed.iter().enumerate() {
        needs.iter().for_each(|need| dependents[*need].push(node));
    }
    let mut free: BTreeSet<usize> = (0..ids.len()).filter(|node| unmet[*node] == 0).collect();
    let mut order = Vec::with_capacity(ids.len());
    while let Some(node) = free.pop_first() {
        order.push(node);
        for dependent in &dependents[node] {
            unmet[*dependent] -= 1;
            if unmet[*dependent] == 0 {
                free.insert(*dependent);
            }
        }
    }
    if order.len() == ids.len() {
        return Ok(order);
    }
    Err(GraphError::Ring { ring: first_ring(ids, &needed) })
}

/// One ring, whole, from the first of its nodes back to itself, each needing the next.
fn first_ring(ids: &[&str], needed: &[Vec<usize>]) -> Vec<String> {
    let mut graph: StableDiGraph<(), ()> = StableDiGraph::new();
    let nodes: Vec<_> = ids.iter().map(|_| graph.add_node(())).collect();
    for (node, needs) in needed.iter().enumerate() {
        for need in needs {
            graph.add_edge(nodes[node], nodes[*need], ());
        }
    }
    let is_ring = |part: &Vec<petgraph::stable_graph::NodeIndex>| {
        part.len() > 1 || graph.contains_edge(part[0], part[0])
    };
    let part = tarjan_scc(&graph)
        .into_iter()
        .filter(is_ring)
        .min_by_key(|part| part.iter().min().copied());
    let members: BTreeSet<_> = part.unwrap_or_default().into_iter().collect();
    let Some(first) = members.first().copied() else {
        return Vec::new();
    };
    // Every member of a strongly connected part has a successor in it: walk until one repeats.
    let mut walk = vec![first];
    loop {
        let here = walk[walk.len() - 1];
        let next = graph.edges(here).map(|edge| edge.target()).find(|next| members.contains(next));
        let Some(next) = next else { break };
        if let Some(start) = walk.iter().position(|seen| *seen == next) {
            walk.push(next);
            return walk[start..].iter().map(|node| ids[node.index()].to_owned()).collect();
        }
        walk.push(next);
    }
    Vec::new()
}
