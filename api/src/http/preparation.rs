//! From a request's parameters to an operation that may run. One place for every way that a request can come: what may
//! be asked does not depend on how.

use std::sync::Arc;

use async_graphql::{
    Variables,
    parser::types::{ExecutableDocument, OperationType},
};
use clap::ValueEnum;
use http::StatusCode;

use crate::graphql::error::ErrorCode;

use super::{
    document_hash::DocumentHash,
    document_source::{Asker, DocumentSource, NoDocument, Resolved},
    operation,
    parsed_documents::ParsedDocuments,
    query_cost::{self, Cost, OverLimits, QueryCost, QueryLimits, QueryRefused},
    query_tokens,
    request_parameters::RequestParameters,
    response_body::RequestRefused,
};

/// Who may ask for the schema by introspection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Introspection {
    /// Everybody, signed in or not.
    #[default]
    Everyone,
    /// Admins, and so GraphiQL once one has signed in.
    Admins,
    /// Nobody.
    Nobody,
}

impl Introspection {
    const fn is_open_to(self, asker: Asker) -> bool {
        match self {
            Self::Everyone => true,
            Self::Admins => matches!(asker, Asker::Admin),
            Self::Nobody => false,
        }
    }
}

/// What requests are held to.
#[derive(Clone, Debug, Default)]
pub struct Preparation {
    /// The bounds of one operation.
    pub limits: QueryLimits,
    /// Where documents come from.
    pub documents: DocumentSource,
    /// Who may ask for the schema.
    pub introspection: Introspection,
    /// Documents that were parsed before.
    pub parsed: ParsedDocuments,
}

/// An operation that may run, as far as can be told before it does.
#[derive(Debug)]
pub struct Prepared {
    /// The document.
    pub document: Arc<ExecutableDocument>,
    /// Its text.
    pub text: Arc<str>,
    /// The hash under which to keep it once it was found to fit the schema.
    pub keep_as: Option<DocumentHash>,
    /// Which of the document's operations it is.
    pub operation_name: Option<String>,
    /// The variables, defaults put in.
    pub variables: Variables,
    /// What kind of operation it is.
    pub kind: OperationType,
    /// What it may cost.
    pub cost: Cost,
    /// Whether it does nothing but begin and end sessions, so that a bad access token is no reason to refuse it.
    pub ignores_access_token: bool,
}

impl Preparation {
    /// Finds, parses and measures what a request asks for.
    ///
    /// # Errors
    /// [`RequestRefused`], to be answered as it is.
    pub(crate) fn prepare(&self, parameters: RequestParameters, asker: Asker) -> Result<Prepared, RequestRefused> {
        let RequestParameters {
            document,
            operation_name,
            mut variables,
        } = parameters;
        let Resolved { text, keep_as } = self.documents.resolve(asker, document).map_err(no_document)?;
        let document = self.parsed.get(&text, || self.parse(&text))?;
        let checked = query_cost::check(&document, operation_name.as_deref(), &variables, &self.limits);
        let measured = checked.map_err(|over| self.over_limits(&over))?;
        let bad_input = |message: String| RequestRefused::document(ErrorCode::BadUserInput, message, Vec::new());
        let operation =
            operation::select(&document, operation_name.as_deref()).map_err(|error| bad_input(error.to_string()))?;
        let QueryCost {
            cost: requested,
            introspects,
            ..
        } = measured.ok_or_else(|| bad_input(operation::OperationNotChosen::Unknown.to_string()))?;
        let cost = self.cost(requested);
        if introspects && !self.introspection.is_open_to(asker) {
            let message = "This server does not answer introspection queries. Its schema is published with its source.";
            return Err(RequestRefused::document(ErrorCode::Forbidden, message, Vec::new()).costing(cost));
        }
        operation::complete_variables(operation, &mut variables)
            .map_err(|error| bad_input(error.to_string()).costing(cost))?;
        let kind = operation.ty;
        let ignores_access_token = operation::ignores_access_token(&document, operation);
        Ok(Prepared {
            document,
            text,
            keep_as,
            operation_name,
            variables,
            kind,
            cost,
            ignores_access_token,
        })
    }

    fn cost(&self, requested: usize) -> Cost {
        Cost {
            requested,
            actual: 0,
            limit: self.limits.cost,
        }
    }

    fn parse(&self, text: &str) -> Result<ExecutableDocument, RequestRefused> {
        query_tokens::check(text, self.limits.tokens)
            .map_err(|error| RequestRefused::document(ErrorCode::QueryTooComplex, error.to_string(), Vec::new()))?;
        async_graphql::parser::parse_query(text).map_err(|error| {
            let locations = error.positions().collect();
            RequestRefused::document(ErrorCode::GraphqlParseFailed, error.to_string(), locations)
        })
    }

    fn over_limits(&self, OverLimits { refused, cost }: &OverLimits) -> RequestRefused {
        let code = match refused {
            QueryRefused::FragmentCycle(_) => ErrorCode::GraphqlValidationFailed,
            QueryRefused::Depth { .. }
            | QueryRefused::Cost { .. }
            | QueryRefused::Aliases { .. }
            | QueryRefused::Directives { .. }
            | QueryRefused::VariableValues { .. }
            | QueryRefused::Nesting
            | QueryRefused::Introspection => ErrorCode::QueryTooComplex,
        };
        let answer = RequestRefused::document(code, refused.to_string(), Vec::new());
        match cost {
            Some(requested) => answer.costing(self.cost(*requested)),
            None => answer,
        }
    }
}

fn no_document(reason: NoDocument) -> RequestRefused {
    let code = match reason {
        NoDocument::NotTrusted => ErrorCode::DocumentNotTrusted,
        NoDocument::NotFound => ErrorCode::PersistedQueryNotFound,
        NoDocument::NotSupported => ErrorCode::PersistedQueryNotSupported,
        NoDocument::HashOfAnother => {
            let message = reason.to_string();
            return RequestRefused::request(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, message);
        }
    };
    RequestRefused::document(code, reason.to_string(), Vec::new())
}
