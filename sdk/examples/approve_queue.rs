//! An admin's queue: approves the requests that wait and come from a domain that is trusted, and leaves the others.
//!
//! PORTICO_URL=http://localhost:4000 PORTICO_EMAIL=… PORTICO_PASSWORD=… cargo run --example approve_queue -- example.com

#![allow(clippy::print_stdout)]

use std::{env, error::Error};

use portico_sdk::{
    AccessRequestFilter, AccessRequestId, AccessRequestOrder, AccessRequestOrderField, AccessRequestStatus,
    OrderDirection, Portico, Realm, SecretString, UserErrorCode,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let domain = env::args().nth(1).ok_or("which domain?")?;
    let password = SecretString::from(env::var("PORTICO_PASSWORD")?);
    let portico = Portico::builder(env::var("PORTICO_URL")?)
        .credentials(Realm::Admin, env::var("PORTICO_EMAIL")?, password)
        .build()?;
    for id in approve(&portico, &domain).await? {
        println!("approved {id}");
    }
    Ok(())
}

/// Answers with what was approved, the oldest first.
pub(crate) async fn approve(portico: &Portico, domain: &str) -> Result<Vec<AccessRequestId>, portico_sdk::Error> {
    let requests = portico.access_requests();
    let waiting = AccessRequestFilter::new().status([AccessRequestStatus::Pending]);
    let oldest_first = AccessRequestOrder::new(AccessRequestOrderField::CreatedAt, OrderDirection::Asc);
    // Read before the first is approved: what is approved leaves the list that is being read.
    let queue = requests
        .list()
        .filter(waiting)
        .order_by(oldest_first)
        .page_size(100)
        .stream();
    let mut approved = Vec::new();
    for request in queue.try_collect().await? {
        let Some((_, of)) = request.app.developer.email.rsplit_once('@') else {
            continue;
        };
        if !of.eq_ignore_ascii_case(domain) {
            continue;
        }
        match requests.approve(&request.id, Some("A known domain")).await {
            Ok(request) => approved.push(request.id),
            // Another admin was faster, or its developer has withdrawn it.
            Err(error) if error.has_user_code(&UserErrorCode::InvalidTransition) => {}
            Err(error) if error.has_user_code(&UserErrorCode::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(approved)
}
