//! `hub doctor`.

use hub_client::{Finding, diagnose};
use serde_json::json;

use super::{print, print_json};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::told;

pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let profile = session.profile()?;
    let finding = diagnose(&profile).await?;
    let sentence = told::finding(&finding, &profile, session.language);
    if session.is_json() {
        print_json(&json!({ "fault": finding.name(), "endpoint": profile.endpoint, "message": sentence }))?;
    } else {
        print(&sentence)?;
    }
    Ok(exit_of(&finding))
}

fn exit_of(finding: &Finding) -> Exit {
    match finding {
        Finding::Well => Exit::Accepted,
        Finding::Clock { .. } => Exit::Failed,
        Finding::Key(_) => Exit::NotPermitted,
        // Whatever else there is stands between here and the hub.
        _ => Exit::NotReached,
    }
}
