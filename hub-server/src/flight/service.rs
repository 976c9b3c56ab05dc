//! The commands of Flight SQL, each a few lines: convert, ask the desk, convert back.

use std::pin::Pin;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, CommandGetCatalogs,
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest,
    CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse,
    Result as ActionResult, Ticket,
};
use futures::{Stream, StreamExt as _, stream};
use hub_proto::Reason;
use prost::Message as _;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::catalogue::{self, fault, flight_of, info_of};
use super::frames::{Flight, flight};
use super::statements::{CANCEL, info, prepared, text};
use super::{FlightDoor, features, login, parameters, read_only, refuse, types};
use crate::error::HubError;
use crate::identity::Principal;
use crate::read::TableInfo;

type Info = Result<Response<FlightInfo>, Status>;
type Get = Result<Response<Flight>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl FlightDoor {
    fn known(&self, metadata: &MetadataMap) -> Result<Principal, Status> {
        self.caller(metadata).map_err(refuse)
    }

    /// The tables that whoever calls may read.
    async fn tables_of(&self, metadata: &MetadataMap) -> Result<Vec<TableInfo>, Status> {
        let caller = self.known(metadata)?;
        self.0.tables(&caller).await.map_err(refuse)
    }

    /// An answer that is the same for all who have a key.
    fn for_all<E: std::fmt::Display>(&self, metadata: &MetadataMap, batch: Result<RecordBatch, E>) -> Get {
        self.known(metadata)?;
        Ok(Response::new(flight_of(batch.map_err(fault)?)))
    }

    /// Where an answer about the catalogue is fetched.
    fn told(
        &self,
        request: Request<FlightDescriptor>,
        command: &impl arrow_flight::sql::ProstMessageExt,
        schema: &Schema,
    ) -> Info {
        self.known(request.metadata())?;
        info_of(command, schema, request.into_inner()).map(Response::new)
    }

    async fn fetched(&self, metadata: &MetadataMap, ticket: &bytes::Bytes) -> Result<Flight, HubError> {
        let caller = self.caller(metadata)?;
        flight(self.0.redeem(&caller, text(ticket)?).await?)
    }
}

#[tonic::async_trait]
impl FlightSqlService for FlightDoor {
    type FlightService = Self;

    /// Gives back the key that came as a password, as the bearer that drivers send from then on.
    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Streamed<HandshakeResponse>>, Status> {
        self.known(request.metadata())?;
        let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let bearer = login::bearer_of(given.unwrap_or_default()).map_err(refuse)?.into_owned();
        let key = bearer.split_once(' ').map_or("", |(_, key)| key).to_owned();
        let told = HandshakeResponse { protocol_version: 0, payload: key.into() };
        let mut response: Response<Streamed<HandshakeResponse>> =
            Response::new(stream::iter([Ok(told)]).boxed());
        response.metadata_mut().insert("authorization", bearer.parse().map_err(fault)?);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let caller = self.known(request.metadata())?;
        let outlook = self.0.outlook(&caller, query.query).await.map_err(refuse)?;
        info(outlook, request.into_inner()).map(Response::new).map_err(refuse)
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let caller = self.known(request.metadata())?;
        let handle = text(&query.prepared_statement_handle).map_err(refuse)?;
        let outlook = self.0.outlook_of(&caller, handle).await.map_err(refuse)?;
        info(outlook, request.into_inner()).map(Response::new).map_err(refuse)
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Get {
        let fetched = self.fetched(request.metadata(), &ticket.statement_handle).await;
        fetched.map(Response::new).map_err(refuse)
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let caller = self.known(request.metadata())?;
        let (handle, outlook) = self.0.prepare(&caller, query.query).await.map_err(refuse)?;
        Ok(prepared(handle, outlook))
    }

    /// The hub keeps nothing of a prepared statement.
    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        self.known(request.metadata()).map(drop)
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let caller = self.known(request.metadata())?;
        let values = parameters::gathered(request.into_inner()).await?;
        let handle = text(&query.prepared_statement_handle).map_err(refuse)?;
        let handle = self.0.bind(&caller, handle, &values).map_err(refuse)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle.into()) })
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        let caller = self.known(request.metadata())?;
        let info = FlightInfo::decode(&query.info[..]).map_err(|_| {
            refuse(HubError::new(Reason::RequestInvalid, "ActionCancelQueryRequest holds no FlightInfo"))
        })?;
        // The older action numbers its results alike.
        let status = self.cancel_info(&caller, &info).map_err(refuse)?;
        Ok(ActionCancelQueryResult { result: status.into() })
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        let description = "Stops the flights of a FlightInfo.\nRequest Message: CancelFlightInfoRequest\n\
                           Response Message: CancelFlightInfoResult";
        Some(vec![Ok(ActionType { r#type: CANCEL.to_owned(), description: description.to_owned() })])
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Streamed<ActionResult>>, Status> {
        if request.get_ref().r#type != CANCEL {
            return Err(Status::unimplemented("the hub has no such action; ListActions names those it has"));
        }
        let caller = self.known(request.metadata())?;
        let body = self.cancel_action(&caller, request.get_ref()).map_err(refuse)?;
        Ok(Response::new(stream::iter([Ok(ActionResult { body })]).boxed()))
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &query.into_builder().schema())
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, request: Request<Ticket>) -> Get {
        self.for_all(request.metadata(), catalogue::catalogs(query))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &query.clone().into_builder().schema())
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, request: Request<Ticket>) -> Get {
        self.for_all(request.metadata(), catalogue::schemas(query))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &query.clone().into_builder().schema())
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Get {
        let tables = self.tables_of(request.metadata()).await?;
        Ok(Response::new(flight_of(catalogue::tables(query, &tables).map_err(fault)?)))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &query.into_builder().schema())
    }

    async fn do_get_table_types(&self, query: CommandGetTableTypes, request: Request<Ticket>) -> Get {
        self.for_all(request.metadata(), catalogue::table_types(query))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let data = features::data().map_err(fault)?;
        self.told(request, &query, &data.schema())
    }

    async fn do_get_sql_info(&self, query: CommandGetSqlInfo, request: Request<Ticket>) -> Get {
        let data = features::data().map_err(fault)?;
        self.for_all(request.metadata(), query.into_builder(&data).build())
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let data = types::data().map_err(fault)?;
        self.told(request, &query, &data.schema())
    }

    async fn do_get_xdbc_type_info(&self, query: CommandGetXdbcTypeInfo, request: Request<Ticket>) -> Get {
        let data = types::data().map_err(fault)?;
        self.for_all(request.metadata(), query.into_builder(&data).build())
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &catalogue::primary_key_schema())
    }

    async fn do_get_primary_keys(&self, query: CommandGetPrimaryKeys, request: Request<Ticket>) -> Get {
        let tables = self.tables_of(request.metadata()).await?;
        Ok(Response::new(flight_of(catalogue::primary_keys(&query, &tables).map_err(fault)?)))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &catalogue::foreign_key_schema())
    }

    async fn do_get_exported_keys(&self, _: CommandGetExportedKeys, request: Request<Ticket>) -> Get {
        self.for_all(
            request.metadata(),
            Ok::<_, Status>(RecordBatch::new_empty(catalogue::foreign_key_schema())),
        )
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &catalogue::foreign_key_schema())
    }

    async fn do_get_imported_keys(&self, _: CommandGetImportedKeys, request: Request<Ticket>) -> Get {
        self.for_all(
            request.metadata(),
            Ok::<_, Status>(RecordBatch::new_empty(catalogue::foreign_key_schema())),
        )
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Info {
        self.told(request, &query, &catalogue::foreign_key_schema())
    }

    async fn do_get_cross_reference(&self, _: CommandGetCrossReference, request: Request<Ticket>) -> Get {
        self.for_all(
            request.metadata(),
            Ok::<_, Status>(RecordBatch::new_empty(catalogue::foreign_key_schema())),
        )
    }

    async fn do_put_statement_update(
        &self,
        _: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.known(request.metadata())?;
        Err(read_only())
    }

    async fn do_put_prepared_statement_update(
        &self,
        _: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.known(request.metadata())?;
        Err(read_only())
    }

    async fn do_put_statement_ingest(
        &self,
        _: CommandStatementIngest,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.known(request.metadata())?;
        Err(read_only())
    }

    /// What is told is told whole by [`features`].
    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
