use super::*;

#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}")]
struct RoomError {
    path: &'static str,
    reason: Reason,
    source: std::io::Error,
}

impl RoomError {
    fn reason(&self) -> Reason {
        self.reason
    }
}

hub_errors!(RoomError);

fn room_error(reason: Reason) -> RoomError {
    RoomError { path: "/data/secret.parquet", reason, source: std::io::Error::other("disk 7 broke") }
}

#[test]
fn a_fault_hides_its_detail_and_names_an_id() {
    for reason in [Reason::Internal, Reason::StorageCorrupt] {
        let error = HubError::from(room_error(reason));
        assert_eq!(error.reason(), reason);
        let refusal = error.into_refusal();
        assert!(
            !refusal.message.contains("secret") && !refusal.message.contains("disk 7"),
            "{}",
            refusal.message
        );
        let (name, id) = &refusal.facts[0];
        assert_eq!(name, "correlation");
        assert!(Uuid::parse_str(id).is_ok() && refusal.message.contains(id.as_str()));
    }
}

#[test]
fn a_refusal_says_what_the_room_said() {
    let refusal =
        HubError::from(room_error(Reason::SubmissionUnknown)).fact("durable_offset", 7).into_refusal();
    assert_eq!(
        (refusal.reason, refusal.message.as_str()),
        (Reason::SubmissionUnknown, "cannot read /data/secret.parquet")
    );
    assert_eq!(refusal.facts, [("durable_offset".to_owned(), "7".to_owned())]);
}

#[test]
fn the_log_line_holds_the_whole_chain() {
    assert_eq!(chain(&room_error(Reason::Internal)), "cannot read /data/secret.parquet: disk 7 broke");
}
