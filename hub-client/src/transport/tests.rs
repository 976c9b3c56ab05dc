use super::*;

fn refusal(endpoint: &str) -> String {
    channel(&Profile::anonymous(endpoint)).map(|_| ()).unwrap_err().to_string()
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    for endpoint in ["http://127.0.0.1:50051", "http://localhost:1", "http://[::1]:50051", "http://127.9.9.9"]
    {
        assert!(channel(&Profile::anonymous(endpoint)).is_ok(), "{endpoint}");
    }
    for endpoint in
        ["http://hub.example:50051", "http://10.0.0.1", "http://127.0.0.1.example", "http://0.0.0.0:1"]
    {
        assert!(refusal(endpoint).contains("use https"), "{endpoint}");
    }
    for endpoint in ["127.0.0.1:50051", "ftp://127.0.0.1", "", "/datasets"] {
        assert!(refusal(endpoint).contains("endpoint"), "{endpoint}");
    }
}

#[tokio::test]
async fn a_certificate_file_without_certificates_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, "nothing").unwrap();
    let profile = Profile { ca: Some(ca), ..Profile::anonymous("https://hub.example") };
    let message = channel(&profile).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("ca.pem"), "{message}");
}
