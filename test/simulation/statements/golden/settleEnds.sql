select verdict, missing
  from carillon.settle_ends(
         $1, $2, $3::uuid[], $4::uuid[],
         $5::uuid[],
         $6::timestamptz[],
         $7::timestamptz[],
         $8,
         $9,
         $10::uuid[],
         $11::text[],
         $12::float8[],
         $13::float8[],
         $14::text[],
         $15::text[]);
