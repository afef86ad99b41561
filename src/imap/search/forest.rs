//! Trees that only say who is at their top, for threads: a link-cut forest (Sleator and Tarjan, 1983), where linking,
//! cutting and finding a top cost a logarithm, however deep the trees and however hostile the letters are.

const NONE: u32 = u32::MAX;
const LEFT: usize = 0;
const RIGHT: usize = 1;

/// The forest. Each path from a node up is kept in splay trees, what lies nearer to the top further left.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    /// Its parent in the splay tree; for the splay tree's own top the node that the path hangs on.
    up: u32,
    below: [u32; 2],
}

impl Forest {
    /// Adds a tree of one node and returns its number, which counts from 0.
    pub(super) fn add(&mut self) -> u32 {
        self.nodes.push(Node { up: NONE, below: [NONE; 2] });
        (self.nodes.len() - 1) as u32
    }

    /// Hangs a tree's top under a node of another tree.
    pub(super) fn link(&mut self, top: u32, parent: u32) {
        self.expose(top);
        self.node(top).up = parent;
    }

    /// Takes a node from its parent.
    pub(super) fn cut(&mut self, node: u32) {
        self.expose(node);
        let above = std::mem::replace(&mut self.node(node).below[LEFT], NONE);
        if above != NONE {
            self.node(above).up = NONE;
        }
    }

    /// The top of a node's tree.
    pub(super) fn top(&mut self, node: u32) -> u32 {
        self.expose(node);
        let mut top = node;
        while self.node(top).below[LEFT] != NONE {
            top = self.node(top).below[LEFT];
        }
        self.splay(top);
        top
    }

    /// Makes the path from the top down to `node` one splay tree, and `node` its root.
    fn expose(&mut self, node: u32) {
        let (mut last, mut at) = (NONE, node);
        while at != NONE {
            self.splay(at);
            self.node(at).below[RIGHT] = last;
            last = at;
            at = self.node(at).up;
        }
        self.splay(node);
    }

    fn splay(&mut self, node: u32) {
        while let Some(side) = self.side(node) {
            let parent = self.node(node).up;
            match self.side(parent) {
                Some(parent_side) if parent_side == side => self.rotate(parent, side),
                Some(_) => self.rotate(node, side),
                None => {}
            }
            // Where the first rotation was of the node itself, it stands on the other side now.
            if let Some(side) = self.side(node) {
                self.rotate(node, side);
            }
        }
    }

    /// On which side of its splay parent a node stands; `None` at the top of its splay tree.
    fn side(&mut self, node: u32) -> Option<usize> {
        let up = self.node(node).up;
        if up == NONE {
            return None;
        }
        let below = self.node(up).below;
        [LEFT, RIGHT].into_iter().find(|side| below[*side] == node)
    }

    /// Lifts a node that stands on `side` of its parent above it.
    fn rotate(&mut self, node: u32, side: usize) {
        let parent = self.node(node).up;
        let parent_side = self.side(parent);
        let grandparent = self.node(parent).up;
        let moved = std::mem::replace(&mut self.node(node).below[1 - side], parent);
        self.node(parent).below[side] = moved;
        if moved != NONE {
            self.node(moved).up = parent;
        }
        self.node(parent).up = node;
        self.node(node).up = grandparent;
        if let Some(parent_side) = parent_side {
            self.node(grandparent).below[parent_side] = node;
        }
    }

    fn node(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(parents: &[Option<u32>], node: u32) -> u32 {
        let mut at = node;
        while let Some(parent) = parents[at as usize] {
            at = parent;
        }
        at
    }

    proptest! {
        #[test]
        fn tops_are_where_walking_up_leads(steps in proptest::collection::vec((0_u32..30, 0_u32..30, 0_u8..4), 0..300)) {
            let mut forest = Forest::default();
            let mut parents = vec![None; 30];
            parents.iter().for_each(|_| { forest.add(); });
            for (a, b, what) in steps {
                prop_assert_eq!(forest.top(a), walk(&parents, a));
                if what == 0 {
                    forest.cut(a);
                    parents[a as usize] = None;
                } else if parents[a as usize].is_none() && walk(&parents, b) != a {
                    forest.link(a, b);
                    parents[a as usize] = Some(b);
                }
            }
            for node in 0..30 {
                prop_assert_eq!(forest.top(node), walk(&parents, node));
            }
        }
    }
}
