//! What `hub check` compares a file with: other reports, as files.

use std::path::Path;
use std::sync::Arc;

use hub_client::MediaType;
use hub_datasets::check::{Checker, Comparing, Context};
use hub_datasets::pattern::With;

use super::known::{Known, unusable};
use crate::args::Check;
use crate::exit::Failure;
use crate::session::Session;
use crate::text;
use crate::told;
use hub_client::offline;

/// Reads what was given to compare with; comparisons with what was not given are not evaluated.
pub(super) fn read(
    session: &Session,
    args: &Check,
    known: &Known,
    checker: &Checker,
) -> Result<Comparing, Failure> {
    let wanted = checker.compared_with();
    let mut others = Vec::new();
    let previous = args.previous.iter().map(|file| (With::Previous, file.as_path()));
    let beside = args.with.iter().map(|(id, file)| (With::Pattern(id.clone()), file.as_path()));
    for (with, file) in previous.chain(beside) {
        if !wanted.contains(&with) {
            let pattern = checker.context().pattern.reference();
            let facts = [("file", &*file.display().to_string()), ("pattern", &*pattern)];
            return Err(Failure::Usage(session.say(text::COMPARES_NOTHING, &facts)));
        }
        let pattern = match &with {
            With::Pattern(id) => known.get(session, id)?,
            With::This | With::Previous => Arc::clone(&checker.context().pattern),
        };
        let mut other = checker.other(&with, &pattern).map_err(|error| unusable(session, &error))?;
        let context = Context { pattern, lists: Arc::clone(&known.lists), period: None, publisher: None };
        let reader = Checker::new(context).map_err(|error| unusable(session, &error))?;
        let is_read = offline::rows(file, media_type(session, file)?, &reader, |rows| other.add(rows));
        if !is_read.map_err(|error| unreadable(session, file, &error))? {
            let name = file.display().to_string();
            return Err(Failure::Usage(session.say(text::OTHER_UNREADABLE, &[("file", &name)])));
        }
        others.push(other);
    }
    let given = |with: &With| match with {
        With::Previous => args.previous.is_some(),
        With::Pattern(id) => args.with.iter().any(|(given, _)| given == id),
        With::This => true,
    };
    let missing: Vec<With> = wanted.into_iter().filter(|with| args.alone && !given(with)).collect();
    checker.comparing(others, &missing).map_err(|error| unusable(session, &error))
}

fn media_type(session: &Session, file: &Path) -> Result<MediaType, Failure> {
    let unknown = || session.say(text::UNKNOWN_MEDIA, &[("file", &file.display().to_string())]);
    MediaType::of(file).ok_or_else(|| Failure::Usage(unknown()))
}

fn unreadable(session: &Session, file: &Path, error: &std::io::Error) -> Failure {
    let (name, cause) = (file.display().to_string(), told::cause(error, session.language));
    Failure::Other(session.say(text::UNREADABLE, &[("file", &name), ("cause", &cause)]))
}
