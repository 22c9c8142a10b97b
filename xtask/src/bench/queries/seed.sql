-- 100 published products with three versions each, apps with two requests each, and their developers. The settings
-- `bench.apps` and `bench.password_of` say how many apps there are, and whose password the developers share.
INSERT INTO product (id, slug, name, name_folded, description, published_at, created_at, updated_at)
SELECT gen_random_uuid(), 'product-' || n, 'Product ' || n, 'product ' || n,
       'What product ' || n || ' is for, in a sentence of the usual length.', n, n, n
FROM generate_series(1, 100) n;

INSERT INTO version (id, product_id, name, lifecycle, upstream_url, registration_enabled, auto_approve,
                     auth_strategy_id, created_at, updated_at)
SELECT gen_random_uuid(), product.id, 'v' || n, CASE n WHEN 1 THEN 'DEPRECATED' ELSE 'ACTIVE' END, NULL, n > 1, n = 3,
       (SELECT id FROM auth_strategy LIMIT 1), product.created_at * 10 + n, product.created_at * 10 + n
FROM product, generate_series(1, 3) n;

-- Twenty apps a developer. The first developers are those who signed up.
CREATE TEMPORARY TABLE owner AS
SELECT id, row_number() OVER (ORDER BY created_at, id) - 1 AS number FROM developer;
INSERT INTO developer (id, email, email_normalised, full_name, password_hash, status, decision_automatic, created_at)
SELECT gen_random_uuid(), 'seeded-' || n || '@example.com', 'seeded-' || n || '@example.com', 'Developer ' || n, 'none',
       'APPROVED', true, 2000000000000 + n
FROM generate_series((SELECT count(*) FROM owner), current_setting('bench.apps')::bigint / 20 - 1) n;
INSERT INTO owner
SELECT id, (SELECT count(*) FROM owner) + row_number() OVER (ORDER BY created_at, id) - 1
FROM developer WHERE password_hash = 'none';
CREATE INDEX ON owner (number);

CREATE TEMPORARY TABLE target AS
SELECT id, row_number() OVER (ORDER BY created_at, id) - 1 AS number FROM version WHERE registration_enabled;
CREATE INDEX ON target (number);
ANALYZE owner, target;

INSERT INTO app (id, developer_id, name, name_folded, reference_id, reference_id_folded, description, status, created_at,
                 updated_at)
SELECT gen_random_uuid(), owner.id, 'App ' || n, 'app ' || n, 'seeded-' || n, 'seeded-' || n, NULL, 'ACTIVE', n, n
FROM generate_series(1, current_setting('bench.apps')::bigint) n JOIN owner ON owner.number = (n - 1) / 20;

INSERT INTO access_request (id, app_id, version_id, developer_id, status, justification, decision_automatic, created_at,
                            updated_at)
SELECT gen_random_uuid(), app.id, target.id, app.developer_id, CASE k WHEN 0 THEN 'APPROVED' ELSE 'PENDING' END, NULL, false,
       app.created_at * 10 + k, app.created_at * 10 + k
FROM app CROSS JOIN generate_series(0, 1) k JOIN target ON target.number = (app.created_at * 7 + k) % 200;

ANALYZE;
