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

    /// <summary>Compiled only where it is read often, as <see cref="SqliteBinder"/> is.</summary>
    public static Func<SqliteStatements, T> For(IReadOnlyList<string> columns)
    {
        var members = new (int Column, PropertyInfo Property)[columns.Count];
        var count = 0;
        for (var i = 0; i < columns.Count; i++)
        {
            var name = columns[i].Replace("_", "", StringComparison.Ordinal);
            if (Array.Find(Properties, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } property)
                members[count++] = (i, property);
        }
        Array.Resize(ref members, count);
        Func<SqliteStatements, T>? compiled = null;
        var uses = 0;
        return from =>
        {
            if (compiled is not null)
                return compiled(from);
            if (++uses >= SqliteBinder.Often)
                compiled = Compile(members);
            return Read(from, members);
        };
    }

    private static T Read(SqliteStatements from, (int Column, PropertyInfo Property)[] members)
    {
        var row = Activator.CreateInstance<T>();
        foreach (var (column, property) in members)
        {
            property.SetValue(row, property.PropertyType == typeof(string) ? from.TextAt(column)
                : property.PropertyType == typeof(long) ? from.NumberAt(column)
                : from.NumberOrNullAt(column));
        }
        return row;
    }

    private static Func<SqliteStatements, T> Compile((int Column, PropertyInfo Property)[] members)
    {
        var from = Expression.Parameter(typeof(SqliteStatements));
        var bindings = members.Select(member => Expression.Bind(member.Property, Value(from, member.Column, member.Property.PropertyType)));
        return Expression.Lambda<Func<SqliteStatements, T>>(Expression.MemberInit(Expression.New(typeof(T)), bindings), from).Compile();
    }

    private static MethodCallExpression Value(Expression from, int column, Type type) => Expression.Call(
        from,
        type == typeof(string) ? nameof(SqliteStatements.TextAt) : type == typeof(long) ? nameof(SqliteStatements.NumberAt) : nameof(SqliteStatements.NumberOrNullAt),
        null,
        Expression.Constant(column));
}
