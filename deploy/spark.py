"""A night of crashes on Spark: workers assess them, their counts are summed, the plan is made once.

spark-submit spark.py --reports EVENTS --night NEW_FOLDER [--before FOLDER_OF_LAST_NIGHT] [--parts N] [--symtool PATH]
The store is in SYMTOOL_STORE. A line of EVENTS is a report; the groups are in NEW_FOLDER/groups.state.
"""
import argparse, os, subprocess, sys
from pyspark.sql import SparkSession, functions as F

ANSWER = """status string, key string, crash string, rank string, digest string, resolved int, fingerprint string,
    `from` string, kind string, title string, frames array<string>, release string, first_ms long, last_ms long, rows long"""
WAS = "CASE WHEN fingerprint IS NOT NULL THEN struct(fingerprint, digest, resolved) END AS was"
BUILD = r'"(?:code_id|debug_id|uuid)"\s*:\s*"([^"]+)"'

parser = argparse.ArgumentParser()
parser.add_argument("--reports", required=True)
parser.add_argument("--night", required=True)
parser.add_argument("--before")
parser.add_argument("--parts", type=int, default=16)
parser.add_argument("--symtool", default="symtool")
args = parser.parse_args()
spark = SparkSession.builder.appName("symtool").getOrCreate()

reports = spark.read.text(args.reports).select(F.col("value").alias("report"), F.md5("value").alias("key"))
tasks = reports.where("trim(report) != ''").dropDuplicates(["key"])
if args.before:
    tasks = tasks.join(spark.read.parquet(args.before + "/answers").selectExpr("key", WAS), "key", "left")
# All crashes of a build go to one worker, so that its symbols are read once.
tasks = tasks.withColumn("build", F.regexp_extract("report", BUILD, 1))
tasks = tasks.repartition(args.parts, "build").sortWithinPartitions("build")
lines = tasks.select(F.to_json(F.struct([name for name in tasks.columns if name != "build"]))).rdd.map(lambda row: row[0])
# checkCode: without it, Spark takes what a killed worker has written for all there is.
answered = lines.pipe(f"{args.symtool} worker assess --end-row", env=dict(os.environ), checkCode=True)
answers = spark.createDataFrame(answered.map(lambda line: (line,)), "line string")
answers.select(F.from_json("line", ANSWER).alias("a")).select("a.*").write.parquet(args.night + "/answers")

answers = spark.read.parquet(args.night + "/answers")
rows, ends = answers.where("status != 'end'"), answers.where("status = 'end'").agg(F.sum("rows")).first()[0] or 0
if not rows.count() == ends == tasks.count():
    sys.exit(f"{rows.count()} answers, {ends} by the workers' count, to {tasks.count()} reports")
# Of several reports of one crash, the one that says most counts.
crashes = rows.where("crash IS NOT NULL").groupBy("crash").agg(F.max_by(F.struct("*"), "rank").alias("a")).select("a.*")
sums = crashes.groupBy("from", "fingerprint", "release").agg(
    F.count("*").alias("crashes"), F.min("first_ms").alias("first_ms"), F.max("last_ms").alias("last_ms"),
    F.min(F.expr("CASE WHEN title IS NOT NULL THEN struct(kind, title, frames) END")).alias("made"))
sums = sums.select("from", "fingerprint", "release", "crashes", "first_ms", "last_ms", "made.*")
plan = [args.symtool, "groups", "plan", "-o", args.night + "/groups.state"]
for name, which in [("tallies", "`from` IS NULL"), ("flows", "`from` IS NOT NULL")]:
    file = f"{args.night}/{name}.ndjson"
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in sums.where(which).toJSON().toLocalIterator())
    plan += [f"--{name}", file]
subprocess.run(plan + (["--state", args.before + "/groups.state"] if args.before else []), check=True)
malformed = rows.where("status = 'malformed'").count()
print(f"{rows.count() - malformed} reports assessed, {malformed} malformed")
