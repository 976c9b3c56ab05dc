//! Why something is not read.

use hub_proto::Reason;

use crate::catalog::CatalogError;
use crate::commit::CommitError;
use crate::query::QueryError;
use crate::seal::SealError;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no dataset `{0}`")]
    DatasetUnknown(String),
    #[error("this is no read session of this hub; create one with CreateReadSession")]
    SessionUnknown,
    #[error("the read session was created with another right than this call has; create a new one")]
    SessionOfOther,
    #[error("column `{0}` is not readable any more; create a new session without it")]
    ColumnNotPermitted(String),
    #[error("this is no ticket of this hub; ask for the statement's flights again")]
    TicketUnknown,
    #[error("this is no prepared statement of this hub; prepare it again")]
    HandleUnknown,
    #[error("this was made for another right than this call has; ask for the statement again")]
    TicketOfOther,
    #[error("the statement and the values of its parameters are too long to be sealed in {0} bytes")]
    StatementTooLong(usize),
    #[error("only ARROW streams resume at an offset; read this format from the start")]
    OffsetUnsupported,
    #[error("the read session has {streams} streams, from 0 on; there is none of number {stream}")]
    StreamUnknown { stream: u32, streams: u32 },
    #[error("`{0}` is no state of a table; write a dataset and its version, as rb28s@7")]
    StateUnreadable(String),
    #[error("the code list of `{0}` is not the one that this hub has now, so the rows would not be the same")]
    ListChanged(String),
    #[error("this is no cursor; take `cursor` of a read session or `next_cursor` of a page of changes")]
    CursorUnreadable,
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("rows cannot be compared: {0}")]
    Changes(String),
    #[error("the table of organisations cannot be built: {0}")]
    Organisations(#[from] arrow::error::ArrowError),
}

impl ReadError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::DatasetUnknown(_) => Reason::DatasetUnknown,
            Self::SessionUnknown
            | Self::TicketUnknown
            | Self::HandleUnknown
            | Self::OffsetUnsupported
            | Self::StreamUnknown { .. }
            | Self::StateUnreadable(_)
            | Self::CursorUnreadable => Reason::RequestInvalid,
            Self::ListChanged(_) => Reason::HistoryExpired,
            Self::StatementTooLong(_) => Reason::QueryTooComplex,
            Self::SessionOfOther | Self::TicketOfOther | Self::ColumnNotPermitted(_) => {
                Reason::ReadNotPermitted
            }
            Self::Query(error) => error.reason(),
            Self::Commit(error) => error.reason(),
            Self::Store(error) => error.reason(),
            Self::Catalog(error) => error.reason(),
            Self::Seal(_) | Self::Changes(_) | Self::Organisations(_) => Reason::Internal,
        }
    }
}
