//! The Reason registry: every refusal's machine-readable cause, with its gRPC code and HTTP status.
//! A reason is never renamed.

use tonic::Code;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $code:ident, $http:literal;)+) => {
        /// Machine-readable cause of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant,)+ }

        impl Reason {
            /// All reasons, in the order of the registry.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)+];

            /// UPPER_SNAKE, as it travels in `ErrorInfo.reason`.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $text,)+ }
            }
            /// The reason of that name, if this version of the registry knows it.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Reason::$variant),)+ _ => None }
            }
            /// The gRPC status code.
            pub fn grpc_code(self) -> Code {
                match self { $(Reason::$variant => Code::$code,)+ }
            }
            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Reason::$variant => $http,)+ }
            }
        }
    };
}

impl Reason {
    /// True when the same call may succeed a little later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

reasons! {
    /// A field of the request lacks or does not parse.
    RequestInvalid = "REQUEST_INVALID", InvalidArgument, 400;
    /// A page token that this hub did not make, or for another request.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument, 400;
    /// No credential came with the call.
    CredentialMissing = "CREDENTIAL_MISSING", Unauthenticated, 401;
    /// The credential is unknown, expired or revoked.
    CredentialInvalid = "CREDENTIAL_INVALID", Unauthenticated, 401;
    /// The credential's scope does not cover the deed.
    ScopeMissing = "SCOPE_MISSING", PermissionDenied, 403;
    /// The caller may not push for this publisher.
    PublisherNotPermitted = "PUBLISHER_NOT_PERMITTED", PermissionDenied, 403;
    /// The caller may not read this.
    ReadNotPermitted = "READ_NOT_PERMITTED", PermissionDenied, 403;
    PatternUnknown = "PATTERN_UNKNOWN", NotFound, 404;
    PublisherUnknown = "PUBLISHER_UNKNOWN", NotFound, 404;
    DatasetUnknown = "DATASET_UNKNOWN", NotFound, 404;
    SubmissionUnknown = "SUBMISSION_UNKNOWN", NotFound, 404;
    OrganisationUnknown = "ORGANISATION_UNKNOWN", NotFound, 404;
    NoticeUnknown = "NOTICE_UNKNOWN", NotFound, 404;
    SubscriptionUnknown = "SUBSCRIPTION_UNKNOWN", NotFound, 404;
    /// The hub sends nothing to this address.
    WebhookRefused = "WEBHOOK_REFUSED", InvalidArgument, 400;
    /// The organisation has as many subscriptions as it may have.
    SubscriptionsFull = "SUBSCRIPTIONS_FULL", ResourceExhausted, 409;
    /// No such address on the HTTP door.
    RouteUnknown = "ROUTE_UNKNOWN", NotFound, 404;
    /// The address on the HTTP door takes other methods.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Unimplemented, 405;
    /// No such gRPC method.
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented, 501;
    /// One message is larger than the hub reads.
    MessageTooLarge = "MESSAGE_TOO_LARGE", ResourceExhausted, 413;
    /// The body of a request ended before it was whole.
    BodyIncomplete = "BODY_INCOMPLETE", Aborted, 400;
    /// The range that is asked for lies behind the end of the file.
    RangeInvalid = "RANGE_INVALID", OutOfRange, 416;
    /// The time that the caller set has passed.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded, 504;
    /// The caller went away.
    CallCancelled = "CALL_CANCELLED", Cancelled, 499;
    VersionUnknown = "VERSION_UNKNOWN", NotFound, 404;
    /// The asked state lies beyond the promised history.
    HistoryExpired = "HISTORY_EXPIRED", FailedPrecondition, 410;
    /// What was asked for held a submission that was erased; its rows and bytes are gone for good.
    Erased = "ERASED", FailedPrecondition, 410;
    /// Of a submission that was not committed the hub keeps no bytes.
    PayloadNotKept = "PAYLOAD_NOT_KEPT", FailedPrecondition, 410;
    /// A read session's files were put together anew; a new session reads the same rows.
    SessionExpired = "SESSION_EXPIRED", FailedPrecondition, 410;
    /// A cursor of another hub, another dataset, or of versions that a restored hub does not have: pull anew.
    CursorUnknown = "CURSOR_UNKNOWN", FailedPrecondition, 410;
    PeriodInvalid = "PERIOD_INVALID", InvalidArgument, 400;
    /// The pattern does not know this media type.
    MediaTypeUnsupported = "MEDIA_TYPE_UNSUPPORTED", InvalidArgument, 415;
    /// The same request id came with other content.
    RequestIdReused = "REQUEST_ID_REUSED", FailedPrecondition, 409;
    /// Bytes were sent past the durable offset.
    OffsetStale = "OFFSET_STALE", OutOfRange, 409;
    /// Length or SHA-256 differ from what was declared.
    PayloadMismatch = "PAYLOAD_MISMATCH", FailedPrecondition, 409;
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", ResourceExhausted, 413;
    PayloadEmpty = "PAYLOAD_EMPTY", InvalidArgument, 400;
    /// The payload cannot be read in its media type.
    PayloadUnreadable = "PAYLOAD_UNREADABLE", InvalidArgument, 422;
    /// The report holds findings that block.
    ReportBlocks = "REPORT_BLOCKS", FailedPrecondition, 422;
    PeriodMismatch = "PERIOD_MISMATCH", FailedPrecondition, 422;
    /// What is sent stands already, under another period that has days in common with this one.
    PeriodOverlaps = "PERIOD_OVERLAPS", FailedPrecondition, 409;
    PublisherMismatch = "PUBLISHER_MISMATCH", FailedPrecondition, 422;
    /// The submission's state does not allow the deed.
    StateConflict = "STATE_CONFLICT", FailedPrecondition, 409;
    /// The current revision is not the one that the sender saw.
    RevisionMoved = "REVISION_MOVED", Aborted, 409;
    /// The commit would drop rows and nobody confirmed it.
    DeletionUnconfirmed = "DELETION_UNCONFIRMED", FailedPrecondition, 409;
    /// A finding of the report must be explained and is not.
    ExplanationMissing = "EXPLANATION_MISSING", FailedPrecondition, 409;
    /// The statement is not a SELECT of allowed nodes and functions.
    QueryNotAllowed = "QUERY_NOT_ALLOWED", InvalidArgument, 400;
    /// The statement does not parse or plan.
    QueryInvalid = "QUERY_INVALID", InvalidArgument, 400;
    /// The statement is longer or deeper than allowed.
    QueryTooComplex = "QUERY_TOO_COMPLEX", InvalidArgument, 400;
    /// Memory, spill, rows or time ran out.
    QueryLimit = "QUERY_LIMIT", ResourceExhausted, 422;
    /// No room: the disk is full.
    StorageFull = "STORAGE_FULL", ResourceExhausted, 507;
    /// A file does not match its hash.
    StorageCorrupt = "STORAGE_CORRUPT", DataLoss, 500;
    /// Too many calls of this kind at once.
    Busy = "BUSY", ResourceExhausted, 429;
    /// The hub is starting or stopping, or what did the work was ended from outside.
    Unavailable = "UNAVAILABLE", Unavailable, 503;
    /// A fault of the hub; the log has the detail under the id that the message names.
    Internal = "INTERNAL", Internal, 500;
}

/// `ErrorInfo.domain` of every refusal.
pub const DOMAIN: &str = "hub.v1";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Reason;

    #[test]
    fn reasons_are_upper_snake_unique_and_parse_back() {
        let names: BTreeSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let text = reason.as_str();
            assert!(text.len() <= 63 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{text}");
            assert_eq!(Reason::parse(text), Some(*reason));
            assert!((400..600).contains(&reason.http_status()), "{text}");
        }
        assert_eq!(Reason::parse("NO_SUCH_REASON"), None);
    }
}
