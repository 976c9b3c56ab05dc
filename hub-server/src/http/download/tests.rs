use axum::body::to_bytes;

use super::*;

async fn ask(method: Method, asked: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    std::fs::write(&path, b"0123456789").unwrap();
    let offer = Offer {
        path: &path,
        bytes: 10,
        etag: "\"abc\"".into(),
        modified: DateTime::from_timestamp(784_111_777, 0).unwrap(),
        media_type: "text/csv; charset=utf-8",
        file_name: "air-v7.csv".into(),
    };
    let headers = asked.iter().map(|(n, v)| (n.clone(), HeaderValue::from_str(v).unwrap())).collect();
    let response = answer(&method, &headers, &offer).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn the_whole_file_comes_as_an_attachment() {
    let (status, headers, body) = ask(Method::GET, &[]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"0123456789".as_slice()));
    assert_eq!(headers[header::CONTENT_LENGTH], "10");
    assert_eq!(headers[header::ETAG], "\"abc\"");
    assert_eq!(headers[header::LAST_MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(headers[header::ACCEPT_RANGES], "bytes");
    assert_eq!(headers[header::CONTENT_DISPOSITION], "attachment; filename=\"air-v7.csv\"");
}

#[tokio::test]
async fn a_range_is_cut_out_and_a_resume_goes_on() {
    let (status, headers, body) = ask(Method::GET, &[(header::RANGE, "bytes=3-5")]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::PARTIAL_CONTENT, b"345".as_slice()));
    assert_eq!(headers[header::CONTENT_RANGE], "bytes 3-5/10");
    assert_eq!(headers[header::CONTENT_LENGTH], "3");
    let resumed = [(header::RANGE, "bytes=7-"), (header::IF_RANGE, "\"abc\"")];
    assert_eq!(ask(Method::GET, &resumed).await.2, b"789");
    let moved = [(header::RANGE, "bytes=7-"), (header::IF_RANGE, "\"old\"")];
    assert_eq!(ask(Method::GET, &moved).await.2, b"0123456789");
}

#[tokio::test]
async fn a_range_beyond_the_end_says_how_long_the_file_is() {
    let (status, headers, body) = ask(Method::GET, &[(header::RANGE, "bytes=10-")]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers[header::CONTENT_RANGE], "bytes */10");
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["reason"], "RANGE_INVALID");
}

#[tokio::test]
async fn a_known_tag_gets_no_bytes() {
    let known = [(header::IF_NONE_MATCH, "\"abc\""), (header::RANGE, "bytes=0-1")];
    let (status, headers, body) = ask(Method::GET, &known).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(headers[header::ETAG], "\"abc\"");
}

#[tokio::test]
async fn head_tells_the_length_of_the_whole() {
    let (status, headers, body) = ask(Method::HEAD, &[(header::RANGE, "bytes=0-1")]).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(headers[header::CONTENT_LENGTH], "10");
}

#[tokio::test]
async fn a_lost_file_is_a_fault_without_its_path() {
    let offer = Offer {
        path: Path::new("/nowhere/secret.csv"),
        bytes: 1,
        etag: "\"a\"".into(),
        modified: DateTime::from_timestamp(0, 0).unwrap(),
        media_type: "text/csv",
        file_name: "a.csv".into(),
    };
    let refusal = answer(&Method::GET, &HeaderMap::new(), &offer).await.unwrap_err().into_refusal();
    assert_eq!(refusal.reason, hub_proto::Reason::Internal);
    assert!(!refusal.message.contains("secret"), "{}", refusal.message);
}
