//! Maps the operations of DynamoDB's API to the methods of the database.

use dynoxide::{Database, DynoxideError};

use super::queue::{Request, Response};

/// Runs one request and makes the response that DynamoDB would send.
pub(super) fn respond(database: &Database, request: &Request) -> Response {
    match execute(database, &request.operation, &request.body) {
        Ok(body) => Response { status: 200, body },
        Err(error) => Response { status: error.status_code(), body: error.to_json() },
    }
}

/// The operations that the platform calls. Any other one is refused with a `ValidationException`.
fn execute(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    macro_rules! call {
        ($method:ident) => {
            serialize(&database.$method(deserialize(body)?)?)
        };
    }
    match operation {
        "BatchGetItem" => call!(batch_get_item),
        "BatchWriteItem" => call!(batch_write_item),
        "CreateTable" => call!(create_table),
        "DeleteItem" => call!(delete_item),
        "DescribeTable" => call!(describe_table),
        "DescribeTimeToLive" => call!(describe_time_to_live),
        "GetItem" => call!(get_item),
        "ListTables" => call!(list_tables),
        "PutItem" => call!(put_item),
        "Query" => call!(query),
        "Scan" => call!(scan),
        "TransactGetItems" => call!(transact_get_items),
        "TransactWriteItems" => call!(transact_write_items),
        "UpdateItem" => call!(update_item),
        "UpdateTimeToLive" => call!(update_time_to_live),
        unknown => Err(DynoxideError::ValidationException(format!(
            "`{unknown}` is no operation of the embedded database"
        ))),
    }
}

/// Prefixes that the database's deserializers put before the messages of their errors.
const MARKERS: [&str; 5] = [
    "VALIDATION_REQUEST:",
    "VALIDATION_AS_READ:",
    "VALIDATION:",
    "SERIALIZATION_AS_READ:",
    "SERIALIZATION:",
];

fn deserialize<T: serde::de::DeserializeOwned>(body: &[u8]) -> dynoxide::Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let plain =
            MARKERS.iter().find_map(|marker| message.strip_prefix(marker)).unwrap_or(&message);
        DynoxideError::ValidationException(plain.to_owned())
    })
}

fn serialize(response: &impl serde::Serialize) -> dynoxide::Result<String> {
    serde_json::to_string(response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
