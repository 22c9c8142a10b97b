//! What Prometheus gets when it scrapes.

use std::collections::BTreeMap;

/// The samples at an address of metrics, by name and labels, as they are written.
pub async fn scrape(address: &str) -> BTreeMap<String, f64> {
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let format = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(
        format.starts_with("application/openmetrics-text; version=1.0.0"),
        "{format}"
    );
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}
