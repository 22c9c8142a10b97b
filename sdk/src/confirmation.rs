//! Waiting for the gateways: what mutations that stop traffic answer with `waitForGateways`.

use crate::{
    Error, GatewayNode, Response, UserError,
    client::answered_payload,
    error::DecodeError,
    operation::{Mutation, Payload},
};

/// What a call that waited for the gateways answers with.
///
/// The server answers when every gateway that may be serving enforces the step, and after 5 seconds at the latest. To
/// go on waiting, make the same call again: the step is taken by then, so `object` has INVALID_TRANSITION, and the
/// other two fields tell how far the gateways are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GatewayConfirmation<T> {
    /// The object as it is now; or INVALID_TRANSITION where its state did not allow the step, which an earlier call may
    /// have taken. The call has waited all the same.
    pub object: Result<T, Vec<UserError>>,
    /// Whether every gateway that may be serving enforces what is committed. False: some had not confirmed it within
    /// 5 seconds, and may let calls pass that they should not.
    pub gateways_confirmed: bool,
    /// The gateways that may be serving and had not confirmed within 5 seconds. Empty when all have, and for callers
    /// that are no admins.
    pub unconfirmed_gateways: Vec<GatewayNode>,
}

impl<T> GatewayConfirmation<T> {
    /// The object alone.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION where this call did not take the step.
    pub fn into_object(self) -> Result<T, Error> {
        self.object.map_err(Error::User)
    }
}

/// The payload of a mutation that waits.
pub(crate) trait WaitingPayload: Payload {
    type Object;
    /// The object's field, for errors.
    const OBJECT: &'static str;

    /// The object, `gatewaysConfirmed` and `unconfirmedGateways`.
    fn into_parts(self) -> (Option<Self::Object>, Option<bool>, Vec<GatewayNode>);
}

/// The confirmation in an answer. A mutation that was refused without waiting is an error, as without waiting.
pub(crate) fn confirmation_of<M>(
    response: Response<M>,
) -> Result<GatewayConfirmation<<M::Payload as WaitingPayload>::Object>, Error>
where
    M: Mutation,
    M::Payload: WaitingPayload,
{
    let mut payload = answered_payload(response)?;
    let refusals = payload.take_user_errors();
    let (object, gateways_confirmed, unconfirmed_gateways) = payload.into_parts();
    let Some(gateways_confirmed) = gateways_confirmed else {
        return Err(if refusals.is_empty() {
            DecodeError::missing("gatewaysConfirmed").into()
        } else {
            Error::User(refusals)
        });
    };
    let object = if refusals.is_empty() {
        Ok(object.ok_or_else(|| DecodeError::missing(M::Payload::OBJECT))?)
    } else {
        Err(refusals)
    };
    Ok(GatewayConfirmation {
        object,
        gateways_confirmed,
        unconfirmed_gateways,
    })
}

/// `waiting_mutation!(Operation.root_field(Variables: Input) -> Payload("SchemaPayload") { field: Type });`: a
/// [`mutation!`](crate::operation::mutation) whose answer tells what the gateways confirmed.
macro_rules! waiting_mutation {
    (
        $mutation:ident.$root:ident($variables:ident: $argument:ident)
            -> $payload:ident($schema_payload:literal) { $field:ident: $kind:ident }
    ) => {
        crate::operation::mutation!($mutation.$root($variables: $argument)
            -> $payload($schema_payload) { $field: $kind | gateways_confirmed, unconfirmed_gateways });

        impl crate::confirmation::WaitingPayload for $payload {
            type Object = $kind;
            const OBJECT: &'static str = concat!(stringify!($root), ".", stringify!($field));

            fn into_parts(self) -> (Option<$kind>, Option<bool>, Vec<crate::GatewayNode>) {
                (self.$field, self.gateways_confirmed, self.unconfirmed_gateways)
            }
        }
    };
}
pub(crate) use waiting_mutation;
