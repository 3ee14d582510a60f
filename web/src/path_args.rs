//! The parameters of a path, with an answer in Matrix's form where they do not fit.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path},
};
use gantry_model::ErrorKind;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::Rejection;

/// The parameters of the path; 400 `M_INVALID_PARAM` where one is not of its type.
pub struct PathArgs<T>(
    /// The parameters, in the order of the path.
    pub T,
);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for PathArgs<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let Path(path) = parts
            .extract::<Path<T>>()
            .await
            .map_err(|rejection| Rejection::new(ErrorKind::InvalidParam, rejection.body_text()))?;
        Ok(Self(path))
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_parameter_of_the_wrong_type_is_an_error_of_matrix() {
        let router: Router = Router::new().route("/{number}", get(|_: PathArgs<u8>| async {}));

        let request = Request::get("/x").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();

        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(
            body.starts_with(br#"{"errcode":"M_INVALID_PARAM""#),
            "{body:?}"
        );
    }
}
