//! Documents: trees of named elements with texts, as XML has them and JSON can be seen. A document is held whole, within bounds.

use std::collections::HashMap;
use std::ops::Range;

use crate::pattern::is_step;

pub(crate) mod json;
pub(crate) mod write;
pub(crate) mod xml;

/// Bounds of a document. A laptop keeps them as the hub does.
pub(crate) mod limits {
    /// Bytes of a document.
    pub(crate) const BYTES: u64 = 64 << 20;
    /// Elements and attributes.
    pub(crate) const NODES: usize = 4_000_000;
    /// Elements inside each other.
    pub(crate) const DEPTH: usize = 64;
    /// Kinds of elements: the paths from the root that differ.
    pub(crate) const PATHS: usize = 10_000;
}

/// Why a document cannot be read, in Polish and in English.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) pl: String,
    pub(crate) en: String,
}

impl Fault {
    pub(crate) fn new(pl: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pl: pl.into(), en: en.into() }
    }

    /// More of something than is accepted.
    pub(crate) fn over(pl: &str, en: &str, most: impl std::fmt::Display) -> Self {
        Self::new(
            format!("{pl}: przyjmuje się najwyżej {most}"),
            format!("{en}: at most {most} are accepted"),
        )
    }
}

const NONE: u32 = u32::MAX;

/// An element or attribute of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct At(u32);

#[derive(Debug)]
struct Node {
    path: u32,
    parent: u32,
    child: u32,
    last_child: u32,
    next: u32,
    text: Range<u32>,
}

/// A document's elements; an attribute is a child whose name begins with `@`.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    text: String,
    /// Path of the parent and the name, for each path.
    paths: Vec<(u32, String)>,
    known: HashMap<(u32, String), u32>,
}

impl Tree {
    /// Adds an element below another, behind those that are there.
    pub(crate) fn add(&mut self, parent: Option<At>, name: &str) -> Result<At, Fault> {
        if self.nodes.len() >= limits::NODES {
            return Err(Fault::over("za dużo elementów", "too many elements", limits::NODES));
        }
        let above = parent.map_or(NONE, |At(parent)| self.nodes[parent as usize].path);
        let path = self.path_of(above, name)?;
        let at = self.nodes.len() as u32;
        let parent = parent.map_or(NONE, |At(parent)| parent);
        self.nodes.push(Node { path, parent, child: NONE, last_child: NONE, next: NONE, text: 0..0 });
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            let before = std::mem::replace(&mut node.last_child, at);
            match before {
                NONE => node.child = at,
                before => self.nodes[before as usize].next = at,
            }
        }
        Ok(At(at))
    }

    fn path_of(&mut self, above: u32, name: &str) -> Result<u32, Fault> {
        let key = (above, name.to_owned());
        if let Some(path) = self.known.get(&key) {
            return Ok(*path);
        }
        if self.paths.len() >= limits::PATHS {
            return Err(Fault::over(
                "za dużo rodzajów elementów",
                "too many kinds of elements",
                limits::PATHS,
            ));
        }
        let path = self.paths.len() as u32;
        self.paths.push(key.clone());
        self.known.insert(key, path);
        Ok(path)
    }

    /// Sets an element's text, blanks around it taken off.
    pub(crate) fn set_text(&mut self, at: At, text: &str) {
        self.set_text_as_it_is(at, text.trim());
    }

    pub(crate) fn set_text_as_it_is(&mut self, At(at): At, text: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.nodes[at as usize].text = start..self.text.len() as u32;
    }

    pub(crate) fn root(&self) -> Option<At> {
        (!self.nodes.is_empty()).then_some(At(0))
    }

    pub(crate) fn name(&self, At(at): At) -> &str {
        &self.paths[self.nodes[at as usize].path as usize].1
    }

    pub(crate) fn text(&self, At(at): At) -> &str {
        let Range { start, end } = self.nodes[at as usize].text;
        &self.text[start as usize..end as usize]
    }

    /// The element that it stands in, `steps` times.
    pub(crate) fn above(&self, at: At, steps: usize) -> At {
        (0..steps).fold(at, |At(at), _| match self.nodes[at as usize].parent {
            NONE => At(at),
            parent => At(parent),
        })
    }

    pub(crate) fn children(&self, At(at): At) -> impl Iterator<Item = At> {
        let first = self.nodes[at as usize].child;
        std::iter::successors((first != NONE).then_some(At(first)), |At(at)| {
            let next = self.nodes[*at as usize].next;
            (next != NONE).then_some(At(next))
        })
    }

    /// The elements at the end of a path below another; a step may have several names.
    pub(crate) fn below(&self, at: At, steps: &[String]) -> Vec<At> {
        steps.iter().fold(vec![at], |found, step| {
            let children = found.into_iter().flat_map(|at| self.children(at));
            children.filter(|child| is_step(step, self.name(*child))).collect()
        })
    }

    /// The names from the root to each kind of element of which one at least has a text.
    pub(crate) fn paths_with_text(&self) -> Vec<Vec<&str>> {
        let mut seen = vec![false; self.paths.len()];
        self.nodes
            .iter()
            .filter(|node| !node.text.is_empty())
            .for_each(|node| seen[node.path as usize] = true);
        let names = |path: u32| {
            let up = std::iter::successors(Some(path), |path| {
                let above = self.paths[*path as usize].0;
                (above != NONE).then_some(above)
            });
            let mut names: Vec<&str> = up.map(|path| self.paths[path as usize].1.as_str()).collect();
            names.reverse();
            names
        };
        (0..self.paths.len() as u32).filter(|path| seen[*path as usize]).map(names).collect()
    }
}
