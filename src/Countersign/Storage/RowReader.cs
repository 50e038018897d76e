using System.Linq.Expressions;
using System.Reflection;

namespace Countersign.Storage;

/// <summary>How a row of SQLite becomes an object: a column <c>created_at</c> is the property CreatedAt. What is not plain is left to the mapper.</summary>
internal static class RowReader<T>
{
    private static readonly PropertyInfo[] Properties = [.. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance).Where(p => p.CanWrite)];

    /// <summary>True when every property is a text or a number.</summary>
    public static readonly bool IsPlain = typeof(T).IsClass && typeof(T).GetConstructor(Type.EmptyTypes) is not null
        && Array.TrueForAll(Properties, p => p.PropertyType == typeof(string) || p.PropertyType == typeof(long) || p.PropertyType == typeof(long?));

    public static Func<SqliteStatements, T> For(IReadOnlyList<string> columns)
    {
        var from = Expression.Parameter(typeof(SqliteStatements));
        var members = new List<MemberBinding>();
        for (var i = 0; i < columns.Count; i++)
        {
            var name = columns[i].Replace("_", "", StringComparison.Ordinal);
            if (Array.Find(Properties, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } property)
                members.Add(Expression.Bind(property, Value(from, i, property.PropertyType)));
        }
        return Expression.Lambda<Func<SqliteStatements, T>>(Expression.MemberInit(Expression.New(typeof(T)), members), from).Compile();
    }

    private static MethodCallExpression Value(Expression from, int column, Type type) => Expression.Call(
        from,
        type == typeof(string) ? nameof(SqliteStatements.TextAt) : type == typeof(long) ? nameof(SqliteStatements.NumberAt) : nameof(SqliteStatements.NumberOrNullAt),
        null,
        Expression.Constant(column));
}
