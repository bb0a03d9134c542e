//! The page that shows the API and calls it: Swagger UI, embedded in the program, which fetches nothing from elsewhere.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::map_response;
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The content security policy of the page. Swagger UI sets styles on its elements, and its icons are in its style
/// sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Creates the routes of `/docs`, a page that reads `/openapi.json`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The other layout has a bar to load other documents, and the badge of a validator elsewhere.
    let config = Config::new(["/openapi.json"])
        .use_base_layout()
        .validator_url("none")
        .deep_linking(true)
        .doc_expansion("none")
        .display_operation_id(true)
        .default_models_expand_depth(-1)
        .filter(true);
    let page: Router<S> = SwaggerUi::new("/docs").config(config).into();
    page.layer(map_response(|mut answer: Response| async {
        answer.headers_mut().extend(HEADERS);
        answer
    }))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header};
    use http_body_util::BodyExt as _;
    use tower_service::Service as _;

    use super::*;

    async fn get(path: &str) -> (Response<()>, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (head, body) = router::<()>().call(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(head, ()), String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What follows `before` up to a quote, wherever it stands in `text`.
    fn values<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[tokio::test]
    async fn the_page_and_all_it_is_made_of_come_from_here() {
        let (moved, _) = get("/docs").await;
        assert!(moved.status().is_redirection());
        assert_eq!(moved.headers()[header::LOCATION], "/docs/");

        let (head, page) = get("/docs/").await;
        assert_eq!(head.status(), StatusCode::OK);
        assert!(head.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        let assets: Vec<&str> = ["src=\"", "href=\""].iter().flat_map(|before| values(&page, before)).collect();
        assert!(assets.len() >= 5, "{assets:?}");
        for asset in assets {
            assert!(!asset.contains("//"), "{asset}");
            let (head, text) = get(&format!("/docs/{}", asset.trim_start_matches("./"))).await;
            assert_eq!(head.status(), StatusCode::OK, "{asset}");
            for fetched in ["url(http", "url(\"http", "url('http", "@import"] {
                assert!(!asset.contains(".css") || !text.contains(fetched), "{asset}: {fetched}");
            }
        }
    }

    #[tokio::test]
    async fn the_page_reads_our_document_and_asks_no_validator() {
        let (_, script) = get("/docs/swagger-initializer.js").await;
        assert!(
            script.contains("\"url\": \"/openapi.json\"") && script.contains("\"validatorUrl\": \"none\""),
            "{script}"
        );
        assert!(script.contains("BaseLayout") && !script.contains("http"), "{script}");
    }

    #[tokio::test]
    async fn browsers_are_told_to_fetch_nothing_from_elsewhere() {
        for path in ["/docs", "/docs/", "/docs/swagger-ui.css", "/docs/absent"] {
            let (head, _) = get(path).await;
            let policy = head.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{path}: {policy}");
            assert!(!policy.contains('*') && !policy.contains("unsafe-eval"), "{path}: {policy}");
            assert_eq!(head.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        }
    }
}
